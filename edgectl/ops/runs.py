"""`runs`: what ran, how it ended, and why a host ended as it did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from edgectl.clock import Clock
from edgectl.engine.outcome import HostOutcome, TaskStatus
from edgectl.engine.ports import RunHistory, RunRecord
from edgectl.errors import ExitCode, InputError
from edgectl.ops.rollout import host_entry
from edgectl.ops.told import duration, trouble
from edgectl.report import Line, Report, Table, Tone

_SHOWN_COUNTS = ("changed", "ok", "failed", "unreachable", "unknown", "busy", "not_run")


def list_runs(history: RunHistory, clock: Clock, limit: int) -> Report:
    """Tell the latest runs, newest first."""
    records = history.runs(limit)
    rows = [
        [
            record.run,
            _local(record.started),
            record.command,
            _counts(record),
            duration((record.finished - record.started).total_seconds())
            if record.finished
            else "no end known",
            record.started_by,
        ]
        for record in records
    ]
    body = (
        [Table(["run", "started", "command", "hosts", "took", "by"], rows)] if rows else [Line("no runs yet")]
    )
    data = {"runs": [_as_data(record) for record in records]}
    return Report("runs list", clock.now(), 0.0, ExitCode.DONE, data=data, body=body)


def show_run(history: RunHistory, clock: Clock, run: str | None, why: str | None) -> Report:
    """Tell one run, the latest by default; `why` names a host whose tasks are told in full."""
    record = _found(history, run)
    hosts = history.hosts(record.run)
    head = f"run {record.run} {record.command}, by {record.started_by}, {_span(record)}"
    if why is None:
        body: list[Line | Table] = [Line(head), Line(f"  {_counts(record)}"), *trouble(hosts)]
    else:
        body = [Line(head), *_why(_host_of(hosts, why, record))]
        hosts = [_host_of(hosts, why, record)]
    return Report(
        command="runs show",
        started=clock.now(),
        seconds=0.0,
        exit_code=ExitCode.DONE,
        run=record.run,
        hosts=tuple(host_entry(host, {}) for host in hosts),
        data=_as_data(record),
        body=body,
    )


def _found(history: RunHistory, run: str | None) -> RunRecord:
    record = next(iter(history.runs(1)), None) if run is None else history.find(run)
    if record is None:
        what = f"no single run starts with '{run}'" if run else "no runs yet"
        raise InputError(what, hint="edgectl runs list")
    return record


def _host_of(hosts: Sequence[HostOutcome], name: str, record: RunRecord) -> HostOutcome:
    for host in hosts:
        if host.host == name:
            return host
    raise InputError(f"the host '{name}' was not in run {record.run}", hint=f"edgectl runs show {record.run}")


def _why(host: HostOutcome) -> list[Line | Table]:
    rows = [
        [
            task.name,
            task.module,
            task.status.value,
            duration(task.seconds),
            _first_line(task.result.get("msg", "")),
        ]
        for task in host.tasks
    ]
    tone = Tone.BAD if host.reason else Tone.PLAIN
    ended = f"{host.host}  {host.status.value}  {host.reason}".rstrip()
    table = [Table(["task", "module", "ended", ">took", ""], rows)] if rows else []
    lines: list[Line | Table] = [*table, Line(ended, tone)]
    failed = next((task for task in host.tasks if task.status is TaskStatus.FAILED), None)
    for stream in ("stdout", "stderr"):
        text = str(failed.result.get(stream, "")) if failed else ""
        lines += [Line(f"  {line}", Tone.QUIET) for line in text.splitlines()[-10:]]
    if host.hint:
        lines.append(Line(f"next   {host.hint}"))
    return lines


def _first_line(text: object) -> str:
    return (str(text).splitlines() or [""])[0]


def _counts(record: RunRecord) -> str:
    parts = [
        f"{record.counts[name]} {name.replace('_', ' ')}" for name in _SHOWN_COUNTS if record.counts.get(name)
    ]
    return ", ".join(parts) or f"{record.counts.get('hosts', 0)} hosts"


def _span(record: RunRecord) -> str:
    if record.finished is None:
        return f"{_local(record.started)}, no end known"
    return f"{_local(record.started)} to {record.finished.astimezone():%H:%M:%S}"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _as_data(record: RunRecord) -> dict[str, object]:
    return {
        "run": record.run,
        "command": record.command,
        "started": record.started.isoformat(),
        "finished": record.finished.isoformat() if record.finished else None,
        "started_by": record.started_by,
        "stopped": record.stopped,
        "arguments": dict(record.arguments),
        "counts": dict(record.counts),
    }
