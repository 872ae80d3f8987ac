"""`health snooze`: say that a finding is known, why, and until when it is not to alarm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.catalog.rules_model import Rules
from edgectl.clock import Clock
from edgectl.complaints import did_you_mean
from edgectl.engine.health_records import HealthHistory, Snooze
from edgectl.errors import ExitCode, InputError, UsageError
from edgectl.inventory.model import Fleet
from edgectl.inventory.pattern import select_names
from edgectl.ops.health.words import counted
from edgectl.playbook.schema import seconds
from edgectl.report import Line, Report, Table, Tone

LONGEST = timedelta(days=90)
# A number, or a pattern of numbers: xid-79, xid-1*, xid-[67]?.
_XID = re.compile(r"xid-[\d*?\[\]!-]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants snoozed, and why."""

    hosts: str
    finding: str
    reason: str
    by: str
    until: datetime


def snooze(history: HealthHistory, fleet: Fleet, rules: Rules, clock: Clock, wanted: Wanted) -> Report:
    """Begin a snooze and tell all that are in force. Raises `InputError` for what no host or finding fits."""
    names = select_names(fleet, wanted.hosts)
    _must_exist(wanted.finding, rules)
    if not wanted.reason.strip():
        raise UsageError("a snooze wants a --reason: whoever sees it later asks why")
    now = clock.now()
    history.snooze(Snooze(wanted.hosts, wanted.finding, wanted.reason.strip(), wanted.by, now, wanted.until))
    said = Line(f"{wanted.finding} is snoozed at {counted(len(names), 'host')} until {_utc(wanted.until)}")
    return _report(history.snoozes(now), now, [said])


def unsnooze(history: HealthHistory, clock: Clock, hosts: str, finding: str, by: str) -> Report:
    """End the snoozes of exactly this pattern and finding. Raises `InputError` where there is none."""
    now = clock.now()
    count = history.unsnooze(hosts, finding, by, now)
    if not count:
        raise InputError(f"no snooze of '{finding}' at '{hosts}' is in force", hint="edgectl health snoozes")
    return _report(history.snoozes(now), now, [Line(f"{finding} alarms again at {hosts}")])


def show(history: HealthHistory, clock: Clock) -> Report:
    """Tell the snoozes in force."""
    now = clock.now()
    return _report(history.snoozes(now), now, [])


def parse_end(until: str | None, length: str | None, now: datetime) -> datetime:
    """Return when a snooze ends, by `--until` or `--for`. Raises `UsageError`; it never lasts longer than 90 days."""
    if (until is None) == (length is None):
        raise UsageError("a snooze wants an end: --until TIME or --for DURATION")
    try:
        if until is not None:
            end = datetime.fromisoformat(until).astimezone(now.tzinfo)
        else:
            end = now + timedelta(seconds=seconds(length or ""))
    except (ValueError, OverflowError):
        given = f"--until '{until}'" if until is not None else f"--for '{length}'"
        raise UsageError(f"{given} is no time such as 2026-12-24T18:00, nor a duration such as 7d") from None
    if end <= now:
        raise UsageError(f"{_utc(end)} is over already")
    if end - now > LONGEST:
        raise UsageError(
            f"a snooze lasts {LONGEST.days} days at most", hint="what lasts longer is for the inventory"
        )
    return end


def _must_exist(finding: str, rules: Rules) -> None:
    """A snooze that fits nothing would be a false comfort."""
    outliers = (metric.finding for metric in load_fleet_rules().outliers.metrics)
    known = (*rules.by_id, "unreachable", *outliers)
    if _XID.fullmatch(finding) or any(fnmatchcase(rule, finding) for rule in known):
        return
    raise InputError(f"there is no finding '{finding}'{did_you_mean(finding, known)}")


def _report(snoozes: Sequence[Snooze], now: datetime, said: Sequence[Line]) -> Report:
    rows = [[one.hosts, one.finding, _utc(one.until), one.by, one.reason] for one in snoozes]
    table = Table(["hosts", "finding", "until", "by", "reason"], rows)
    body: list[Line | Table] = [*said, table if rows else Line("nothing is snoozed", Tone.QUIET)]
    data = {
        "snoozes": [
            {
                "hosts": one.hosts,
                "finding": one.finding,
                "reason": one.reason,
                "by": one.by,
                "since": one.since.isoformat(),
                "until": one.until.isoformat(),
            }
            for one in snoozes
        ]
    }
    return Report("health snoozes", now, 0.0, ExitCode.DONE, data=data, body=body)


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
