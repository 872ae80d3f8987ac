"""The report as JSON, the shape of the contract; and as the last line of a stream."""

from __future__ import annotations

import json
from typing import IO, Any

from edgectl.report import SCHEMA, HostEntry, Report

# Indenting is for people, and is done in Python: 0.1 s of CPU for every hundred hosts with ten tasks each.
_INDENTED_HOSTS = 100
# No text in JSON holds a line end, and what lies deeper is indented deeper: there is one of these.
_NO_HOSTS = '\n  "hosts": []'


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
    """Write one indented object; of many hosts each is one line."""
    whole = as_json(report)
    hosts = whole["hosts"]
    if len(hosts) <= _INDENTED_HOSTS:
        json.dump(whole, stream, indent=2, default=str, ensure_ascii=False)
    else:
        text = json.dumps({**whole, "hosts": []}, indent=2, default=str, ensure_ascii=False)
        before, mark, after = text.partition(_NO_HOSTS)
        stream.write(f"{before}{mark[:-1]}\n")
        for number, host in enumerate(hosts, start=1):
            comma = "," if number < len(hosts) else ""
            stream.write(f"    {json.dumps(host, default=str, ensure_ascii=False)}{comma}\n")
        stream.write(f"  ]{after}")
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
