"""What happened to one host, on one screen: its timeline, how it ended, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskStatus
from edgectl.engine.records import Entry, HostRecord, RunRecord
from edgectl.ops.told import duration
from edgectl.report import Line, Tone

_TONES = {
    "failed": Tone.BAD,
    "changed": Tone.NOTICE,
    "skipped": Tone.QUIET,
    "ignored": Tone.NOTICE,
    "rescued": Tone.NOTICE,
}
_STATUS_WIDTH = 9
_WIDEST_NAME = 40
_TOOK_WIDTH = 6
_OUTPUT_LINES = 10


def zone_of(name: str) -> tzinfo:
    """Return a site's time zone; UTC where it has none that we know."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def why_lines(record: HostRecord, run: RunRecord, zone: tzinfo) -> list[Line]:
    """Return the screen below the run's headline; times are the site's."""
    host = record.outcome
    entries = in_order(record.timeline)
    names = [len(entry.text) for entry in entries if entry.kind == "task"]
    width = min(max(names, default=0), _WIDEST_NAME)
    lines = [_line(entry, zone, width) for entry in entries] or _tasks(host)
    ended = f"{host.host}  {host.status.value.replace('_', ' ')}  {host.reason}".rstrip()
    lines.append(Line(ended, Tone.BAD if host.reason else Tone.PLAIN))
    lines += _output(host)
    following = host.hint or next_step(record, run)
    return [*lines, Line(f"next   {following}")] if following else lines


def next_step(record: HostRecord, run: RunRecord) -> str:
    """Return the command that goes on with a host that did not end well, where there is one."""
    if record.is_open:
        return f"edgectl runs attach {run.run}"
    is_well = record.outcome.status in (HostStatus.OK, HostStatus.CHANGED, HostStatus.SKIPPED)
    return f"edgectl runs resume {run.run}" if run.changes and not is_well else ""


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries as they happened: what a host tells again, later, has the time of then."""
    return sorted(entries, key=lambda entry: entry.at)


def _line(entry: Entry, zone: tzinfo, width: int) -> Line:
    when = f"{datetime.fromtimestamp(entry.at, zone):%H:%M:%S}"
    if entry.kind == "task":
        took = duration(entry.seconds)
        text = f"{entry.text:<{width}}  {entry.status:<{_STATUS_WIDTH}} {took:>{_TOOK_WIDTH}}  {entry.detail}"
        return Line(f"  {when}  {text}".rstrip(), _TONES.get(entry.status, Tone.PLAIN))
    detail = f"  {entry.detail}" if entry.detail and entry.kind != "end" else ""
    return Line(f"  {when}  {entry.text}{detail}", Tone.NOTICE if entry.kind == "lost" else Tone.PLAIN)


def _tasks(host: HostOutcome) -> list[Line]:
    """Return the tasks of a host that has no timeline, as an older edgectl left it."""
    return [
        Line(f"  {task.name}  {task.status.value}  {duration(task.seconds)}  {_first_line(task.result)}")
        for task in host.tasks
    ]


def _output(host: HostOutcome) -> list[Line]:
    """Return the end of what the task that failed wrote."""
    failed = next((task for task in host.tasks if task.status is TaskStatus.FAILED), None)
    return [
        Line(f"  {line}", Tone.QUIET)
        for stream in ("stdout", "stderr")
        for line in str(failed.result.get(stream, "") if failed else "").splitlines()[-_OUTPUT_LINES:]
    ]


def _first_line(result: object) -> str:
    said = result.get("msg", "") if isinstance(result, dict) else ""
    return (str(said).splitlines() or [""])[0]


def timeline_data(record: HostRecord) -> list[dict[str, object]]:
    """Return the timeline as `-o json` has it."""
    return [
        {
            "at": datetime.fromtimestamp(entry.at, UTC).isoformat(),
            "kind": entry.kind,
            "text": entry.text,
            "seq": entry.seq,
            "job": entry.job,
            "status": entry.status,
            "detail": entry.detail,
            "seconds": entry.seconds,
        }
        for entry in in_order(record.timeline)
    ]
