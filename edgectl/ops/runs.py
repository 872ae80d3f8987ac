"""`runs`: what ran, how it ended, and why a host ended as it did."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from edgectl.clock import Clock
from edgectl.engine.records import HostRecord, RunHistory, RunRecord
from edgectl.errors import ExitCode, InputError, UsageError
from edgectl.inventory.fold import folded
from edgectl.ops.rollout import host_entry
from edgectl.ops.told import duration, trouble
from edgectl.ops.why import timeline_data, why_lines, zone_of
from edgectl.playbook.schema import seconds
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


def list_stuck(history: RunHistory, clock: Clock) -> Report:
    """Tell the runs without a recorded end that began work at hosts whose end nobody recorded."""
    found = [(record, _open_hosts(history, record)) for record in history.unfinished()]
    stuck = [(record, hosts) for record, hosts in found if hosts]
    body: list[Line | Table] = []
    for record, hosts in stuck:
        since = min(host.started for host in hosts if host.started)
        names = folded(host.outcome.host for host in hosts)
        body += [
            Line(f"{record.run}  {record.command}, by {record.started_by}", Tone.NOTICE),
            Line(f"  {len(hosts):>4}  {names}   no end known since {_local(since)}"),
            Line(f"        try: edgectl runs attach {record.run}", Tone.QUIET),
        ]
    data = {
        "runs": [
            {
                **_as_data(record),
                "open": {
                    host.outcome.host: host.started.isoformat() if host.started else None for host in hosts
                },
                "attach": f"edgectl runs attach {record.run}",
            }
            for record, hosts in stuck
        ]
    }
    shown = body or [Line("no run is without its end")]
    return Report("runs list", clock.now(), 0.0, ExitCode.DONE, data=data, body=shown)


def _open_hosts(history: RunHistory, record: RunRecord) -> list[HostRecord]:
    return [host for host in history.hosts(record.run) if host.is_open]


def show_run(history: RunHistory, clock: Clock, run: str | None, why: str | None) -> Report:
    """Tell one run, the latest by default; `why` names a host whose timeline is told."""
    record = found_run(history, run)
    hosts = history.hosts(record.run)
    if why is None:
        body: list[Line | Table] = [
            Line(_head(record)),
            *_asked(record),
            Line(f"  {_counts(record)}"),
            *trouble(host.outcome for host in hosts),
        ]
        entries = [host_entry(host.outcome, {}) for host in hosts]
    else:
        host = _host_of(hosts, why, record)
        manifest = history.manifest(record.run)
        zone = zone_of(manifest.zones.get(host.outcome.pop, "") if manifest else "")
        body = [Line(_head(record, zone)), *why_lines(host, record, zone)]
        entries = [host_entry(host.outcome, {"timeline": timeline_data(host)})]
    return Report(
        command="runs show",
        started=clock.now(),
        seconds=0.0,
        exit_code=ExitCode.DONE,
        run=record.run,
        hosts=entries,
        data=_as_data(record),
        body=body,
    )


def prune(history: RunHistory, clock: Clock, older_than: str) -> Report:
    """Forget the runs that ended longer ago; one without an end, or stopped by a freeze, may still go on."""
    try:
        before = clock.now() - timedelta(seconds=seconds(older_than))
    except (ValueError, OverflowError):
        raise UsageError(f"--older-than '{older_than}' is no duration such as 30d") from None
    count = history.prune(before)
    said = Line(f"{count} run{'s' if count != 1 else ''} forgotten, ended before {_local(before)}")
    data = {"pruned": count, "before": before.isoformat()}
    return Report("runs prune", clock.now(), 0.0, ExitCode.DONE, data=data, body=[said])


def found_run(history: RunHistory, run: str | None) -> RunRecord:
    """Return the run that an id or its beginning means, or the latest."""
    record = next(iter(history.runs(1)), None) if run is None else history.find(run)
    if record is None:
        what = f"no single run starts with '{run}'" if run else "no runs yet"
        raise InputError(what, hint="edgectl runs list")
    return record


def _host_of(hosts: Sequence[HostRecord], name: str, record: RunRecord) -> HostRecord:
    for host in hosts:
        if host.outcome.host == name:
            return host
    raise InputError(f"the host '{name}' was not in run {record.run}", hint=f"edgectl runs show {record.run}")


def _head(record: RunRecord, zone: tzinfo | None = None) -> str:
    return f"run {record.run} {record.command}, by {record.started_by}, {_span(record, zone)}"


def _asked(record: RunRecord) -> list[Line]:
    if not record.origin.argv:
        return []
    return [Line(f"  edgectl {shlex.join(record.origin.argv)}   in {record.origin.cwd}", Tone.QUIET)]


def _counts(record: RunRecord) -> str:
    parts = [
        f"{record.counts[name]} {name.replace('_', ' ')}" for name in _SHOWN_COUNTS if record.counts.get(name)
    ]
    return ", ".join(parts) or f"{record.counts.get('hosts', 0)} hosts"


def _span(record: RunRecord, zone: tzinfo | None = None) -> str:
    if record.finished is None:
        return f"{_local(record.started, zone)}, no end known"
    return f"{_local(record.started, zone)} to {record.finished.astimezone(zone):%H:%M:%S %Z}"


def _local(moment: datetime, zone: tzinfo | None = None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


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
        "argv": list(record.origin.argv),
        "cwd": record.origin.cwd,
        "cancelled_by": record.cancelled or None,
    }
