"""`health fleet`: the fleet's health as it is on record, without contacting a host."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import CardRecord, HealthState
from edgectl.errors import ExitCode
from edgectl.inventory.fold import abridged
from edgectl.inventory.pattern import select as selected
from edgectl.ops.health.ages import age
from edgectl.ops.health.fleet.incidents import incident_data
from edgectl.ops.health.fleet.on_record import Recorded, recorded
from edgectl.ops.health.fleet.outliers import Outlier
from edgectl.ops.health.history.snoozing import Snoozes, snoozes_of
from edgectl.ops.health.history.trends import Trend
from edgectl.ops.health.places import places
from edgectl.ops.health.words import counted
from edgectl.ops.services import Services
from edgectl.report import Line, Report, Tone

# More of a kind is a matter for -o json.
_SHOWN = 8
_STALE = timedelta(days=1)
_TONES = {Severity.CRITICAL: Tone.BAD, Severity.WARNING: Tone.NOTICE}


def overview(services: Services, select: str | None, limit: str | None) -> Report:
    """Return what is on record: findings in force, incidents, outliers, trends, and hosts that fail again and again."""
    now = services.clock.now()
    began = services.clock.monotonic()
    hosts = selected(services.fleet, select or "all", limit=limit)
    snoozes = snoozes_of(services.fleet, services.health.snoozes(now))
    found = recorded(services.health, hosts, load_fleet_rules(), snoozes, now)
    body = [
        Line(_headline(found, now)),
        *_incidents(found),
        *_findings(found, snoozes, now),
        *_outliers(found.outliers),
        *_trends(found.trends),
        *_lemons(found),
        *_snoozed(found, snoozes),
    ]
    seconds = services.clock.monotonic() - began
    return Report("health fleet", now, seconds, ExitCode.DONE, data=_data(found, now), body=body)


def _headline(found: Recorded, now: datetime) -> str:
    pops = len({host.pop.name for host in found.hosts.values()})
    fresh = sum(now - node.seen <= _STALE for node in found.nodes.values())
    never = len(found.hosts) - len(found.nodes)
    more = f" · {never:,} never looked at" if never else ""
    return (
        f"{counted(pops, 'PoP')} · {fresh:,} of {counted(len(found.hosts), 'node')} looked at within a day"
        f" · {counted(len(found.cards), 'card')} on record{more}"
    )


def _incidents(found: Recorded) -> Iterator[Line]:
    for one in found.incidents[:_SHOWN]:
        place = f"{len(one.hosts):,} of {one.of:,} hosts" + (
            f" with {one.factor} {one.value}" if one.factor != one.value else ""
        )
        said = f"{', '.join(one.findings)}: {place}; suspect: {one.suspect}"
        yield Line(_entry("incident", len(one.hosts), one.id, said), _TONES[one.severity])
    yield from _more(len(found.incidents))


def _findings(found: Recorded, snoozes: Snoozes, now: datetime) -> Iterator[Line]:
    """Yield a line per severity and finding that no incident explains; the most frequent first."""
    explained = {
        (one.host, one.finding, one.label) for incident in found.incidents for one in incident.members
    }
    groups: dict[tuple[Severity, str], list[HealthState]] = defaultdict(list)
    for state in found.states:
        is_told = (state.host, state.finding, state.label) in explained
        if not is_told and snoozes.snoozed(state.host, state.finding) is None:
            groups[state.severity, state.finding].append(state)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0] is not Severity.CRITICAL, -len(group[1])))
    for (severity, name), states in ordered:
        where = places((state.host, state.label) for state in states)
        since = age(min(state.since for state in states), now)
        yield Line(_entry(severity.value, len(states), name, f"{where}   · up to {since}"), _TONES[severity])


def _outliers(outliers: Sequence[Outlier]) -> Iterator[Line]:
    for one in outliers[:_SHOWN]:
        where = f"{one.card.host}:{one.card.label}"
        yield Line(_entry("outlier", 1, one.metric.finding, f"{where}   {one}"), Tone.NOTICE)
    yield from _more(len(outliers))


def _trends(found: Sequence[tuple[CardRecord, Trend]]) -> Iterator[Line]:
    """Yield what has an end first, the nearest end first."""
    ordered = sorted(found, key=lambda one: (one[1].weeks_left is None, one[1].weeks_left or 0.0))
    for card, trend in ordered[:_SHOWN]:
        where = f"{card.host} {card.slot} serial {card.serial}"
        yield Line(_entry("trend", 1, trend.figure, f"{where}   {trend}"), Tone.NOTICE)
    yield from _more(len(ordered))


def _lemons(found: Recorded) -> Iterator[Line]:
    for host, count in found.lemons[:_SHOWN]:
        said = f"{count} failures in 28 days   edgectl health history {host}"
        yield Line(_entry("lemon", 1, host, said), Tone.NOTICE)
    yield from _more(len(found.lemons))


def _snoozed(found: Recorded, snoozes: Snoozes) -> Iterator[Line]:
    hosts: dict[str, set[str]] = defaultdict(set)
    for state in found.states:
        if snoozes.snoozed(state.host, state.finding) is not None:
            hosts[state.finding].add(state.host)
    for name, names in sorted(hosts.items()):
        yield Line(_entry("snoozed", len(names), name, abridged(sorted(names), 80)), Tone.QUIET)


def _more(count: int) -> Iterator[Line]:
    if count > _SHOWN:
        yield Line(_entry("", count - _SHOWN, "more", "-o json has them"), Tone.QUIET)


def _entry(word: str, count: int, name: str, said: str) -> str:
    return f"  {word:<8} {count:>6,}   {name}   {said}"


def _data(found: Recorded, now: datetime) -> dict[str, Any]:
    counts = Counter((state.severity.value, state.finding) for state in found.states)
    return {
        "hosts": len(found.hosts),
        "looked_at": sum(now - node.seen <= _STALE for node in found.nodes.values()),
        "cards": len(found.cards),
        "findings": [
            {"finding": name, "severity": severity, "count": count}
            for (severity, name), count in counts.most_common()
        ],
        "incidents": [incident_data(one) for one in found.incidents],
        "outliers": [
            {
                "finding": one.metric.finding,
                "host": one.card.host,
                "gpu": one.card.card,
                "value": one.value,
                "usual": one.peers.usual,
                "peers": one.peers.count - 1,
            }
            for one in found.outliers
        ],
        "trends": [trend_data(card, trend) for card, trend in found.trends],
        "lemons": [{"host": host, "failures": count} for host, count in found.lemons],
    }


def trend_data(card: CardRecord, trend: Trend) -> dict[str, Any]:
    """Return a trend as programs read it."""
    return {
        "host": card.host,
        "gpu": card.card,
        "serial": card.serial,
        "figure": trend.figure,
        "says": trend.says,
        "per_week": trend.per_week,
        "unit": trend.unit,
        "now": trend.now,
        "days": trend.days,
        "weeks_left": trend.weeks_left,
    }
