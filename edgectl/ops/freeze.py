"""`freeze`: stop every changing run of the fleet, say who did and why, and let it go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from edgectl.clock import Clock
from edgectl.engine.records import Freeze, Freezes
from edgectl.errors import ExitCode, UsageError
from edgectl.playbook.schema import seconds
from edgectl.report import Line, Report, Table, Tone


def parse_until(text: str, now: datetime) -> datetime:
    """Return the moment that a duration (`4h`, `2d`) or an ISO date and time mean; local where no zone is said."""
    try:
        moment = _after(text, now) or datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        known = "a duration such as 4h nor a time such as 2026-12-24T18:00"
        raise UsageError(f"--until '{text}' is neither {known}") from None
    if moment <= now:
        raise UsageError(f"--until '{text}' is over already")
    return moment


def _after(text: str, now: datetime) -> datetime | None:
    try:
        return now + timedelta(seconds=seconds(text))
    except ValueError:
        return None


def freeze(freezes: Freezes, clock: Clock, reason: str, by: str, until: datetime | None) -> Report:
    """Begin a freeze; running runs start no new hosts within seconds."""
    freezes.add(Freeze(reason, by, clock.now(), until))
    return show(freezes, clock)


def lift(freezes: Freezes, clock: Clock, by: str) -> Report:
    """End every freeze in force."""
    count = freezes.lift(by, clock.now())
    plural = "freeze" if count == 1 else "freezes"
    said = f"{count} {plural} lifted by {by}" if count else "no freeze was in force"
    return _report(clock, (), [Line(said)])


def show(freezes: Freezes, clock: Clock) -> Report:
    """Tell which freezes are in force."""
    found = freezes.in_force(clock.now())
    if not found:
        return _report(clock, found, [Line("no freeze is in force")])
    rows = [[_local(f.since), _local(f.until) if f.until else "it is lifted", f.by, f.reason] for f in found]
    table = Table(["frozen since", "until", "by", "reason"], rows)
    return _report(clock, found, [table, Line("no changing run starts a host", Tone.NOTICE)])


def _report(clock: Clock, found: Sequence[Freeze], body: Sequence[Line | Table]) -> Report:
    data = {
        "freezes": [
            {
                "reason": freeze.reason,
                "by": freeze.by,
                "since": freeze.since.isoformat(),
                "until": freeze.until.isoformat() if freeze.until else None,
            }
            for freeze in found
        ]
    }
    return Report("freeze", clock.now(), 0.0, ExitCode.DONE, data=data, body=body)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M %Z}"
