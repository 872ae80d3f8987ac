"""The report as JSON, the shape of the contract; and as the last line of a stream."""

from __future__ import annotations

import json
from typing import IO, Any

from edgectl.report import SCHEMA, HostEntry, Report


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as `edgectl.report/1`."""
    return {
        "schema": SCHEMA,
        "command": report.command,
        "run": report.run or None,
        "started": report.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(report.seconds, 3),
        "exit_code": int(report.exit_code),
        "summary": report.summary(),
        "hosts": [_host(host) for host in report.hosts],
        "data": report.data,
    }


def render(report: Report, stream: IO[str]) -> None:
    """Write one indented object."""
    json.dump(as_json(report), stream, indent=2, default=str, ensure_ascii=False)
    stream.write("\n")


def render_last_line(report: Report, stream: IO[str]) -> None:
    """Write the line that ends `-o jsonl`."""
    line = {"type": "report", **as_json(report)}
    stream.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")


def _host(host: HostEntry) -> dict[str, Any]:
    return {
        "host": host.host,
        "pop": host.pop,
        "status": host.status,
        "reason": host.reason,
        "failed_task": host.failed_task,
        "seconds": host.seconds,
        "tasks": list(host.tasks),
        "data": host.data,
    }
