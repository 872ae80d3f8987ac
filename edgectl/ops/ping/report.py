"""How the census is told: a headline, who is away and since when, who is back, changed keys. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from edgectl.engine.contacts import quantile
from edgectl.engine.faults import ChangedKey, changed_key
from edgectl.engine.outcome import RunOutcome, exit_code
from edgectl.inventory.fold import abridged
from edgectl.ops.alike import Group, troubled
from edgectl.ops.clusters.comparison import Comparison
from edgectl.ops.ping.census import DOWN, UP, Stand, Standing, by_standing
from edgectl.ops.ping.metrics import census_metrics
from edgectl.ops.rollout import Prepared, compared, run_report, with_clusters
from edgectl.ops.told import clusters, common_to, trouble
from edgectl.report import Line, Report, Tone

_WIDTH = 12
# More lines with one host each are a matter for -o json.
_KEYS = 10
_DAY = timedelta(days=1)


def ping_report(prepared: Prepared, outcome: RunOutcome, stands: Sequence[Stand], now: datetime) -> Report:
    """Return the report of a census."""
    comparison = compared(prepared, outcome)
    # Who was away before is counted, not explained again.
    fresh = [stand.outcome for stand in stands if stand.standing not in (Standing.KNOWN, Standing.KEY)]
    away = [stand.outcome for stand in stands if stand.standing in (Standing.NEW, Standing.FIRST)]
    others = [stand.outcome for stand in stands if stand.standing not in (*DOWN, Standing.KEY)]
    body = [
        Line(headline(stands)),
        *away_lines(stands, now),
        *_reason_lines(troubled(away), comparison),
        *back_lines(stands, now),
        *key_lines(stands),
        *trouble(others, comparison),
    ]
    by_host = {stand.outcome.host: stand for stand in stands}
    report = run_report(
        prepared,
        outcome,
        data=lambda host: host_data(by_host[host.host]),
        body=body,
        metrics=census_metrics(stands),
        code=exit_code(outcome),
    )
    return _with_census(with_clusters(report, clusters(fresh, comparison)), stands)


def headline(stands: Sequence[Stand]) -> str:
    """Return how many answer, and how far away they are."""
    answering = [stand for stand in stands if stand.standing in UP]
    text = f"{len(answering):,} of {len(stands):,} answer"
    trips = {stand.outcome.host: trip for stand in answering if (trip := stand.round_trip_s) is not None}
    if not trips:
        return text
    slowest = max(trips, key=lambda host: trips[host])
    logins = [stand.look.login_s for stand in answering if stand.look and stand.look.login_s is not None]
    text += f" · median {_ms(statistics.median(trips.values()))}, slowest {slowest} {_ms(trips[slowest])}"
    return f"{text} · login {_ms(statistics.median(logins))}" if logins else text


def away_lines(stands: Sequence[Stand], now: datetime) -> list[Line]:
    """Return the line about those that are away, where there are any."""
    found = by_standing(stands)
    away = [stand for standing in DOWN for stand in found[standing]]
    return [Line(f"  {'unreachable':<{_WIDTH}} {_away(away, found, now)}", Tone.BAD)] if away else []


def back_lines(stands: Sequence[Stand], now: datetime) -> list[Line]:
    """Return the line about those that are back, where there are any."""
    back = by_standing(stands)[Standing.BACK]
    if not back:
        return []
    longest = max(now - stand.before_since for stand in back if stand.before_since is not None)
    text = f"{len(back):<4,} {_names(back)}   away for up to {span(longest)}"
    return [Line(f"  {'back':<{_WIDTH}} {text}", Tone.GOOD)]


def _reason_lines(groups: Sequence[Group], comparison: Comparison) -> list[Line]:
    """Return why hosts are away that were not before, by reason; by name where there are several reasons."""
    lines: list[Line] = []
    for group in groups:
        names = f"{abridged(group.names())}  " if len(groups) > 1 else ""
        lines.append(Line(f"  {'':<{_WIDTH}}      {names}{group.reason}", Tone.QUIET))
        lines += common_to(group.names(), comparison)
        hints = sorted({member.hint for member in group.members if member.hint})
        lines += [Line(f"  {'':<{_WIDTH}}      try: {hint}", Tone.QUIET) for hint in hints[:1]]
    return lines


def _away(away: Sequence[Stand], found: Mapping[Standing, Sequence[Stand]], now: datetime) -> str:
    """Return how many are away: those of before by how long, then those that are new by name."""
    parts = [f"{len(away):<4,}"]
    ages = [now - stand.before_since for stand in found[Standing.KNOWN] if stand.before_since is not None]
    long, short = [age for age in ages if age >= _DAY], [age for age in ages if age < _DAY]
    parts += [f"{len(long):,} for a day or longer"] if long else []
    parts += [f"{len(short):,} for up to {span(max(short))}"] if short else []
    if found[Standing.NEW]:
        parts.append(f"{len(found[Standing.NEW]):,} new: {_names(found[Standing.NEW])}")
    if found[Standing.FIRST]:
        parts.append(f"{len(found[Standing.FIRST]):,} never seen: {_names(found[Standing.FIRST])}")
    return "   ".join(parts)


def key_lines(stands: Sequence[Stand]) -> list[Line]:
    """Return a line for each changed key, with what to check."""
    stands = by_standing(stands)[Standing.KEY]
    lines = []
    for position, stand in enumerate(stands[:_KEYS]):
        key = changed_key(stand.outcome.reason)
        word, count = ("host key", f"{len(stands):<4,}") if position == 0 else ("", " " * 4)
        said = f"{stand.outcome.host} changed: {_short(key)}" if key else stand.outcome.host
        lines.append(Line(f"  {word:<{_WIDTH}} {count} {said}   {_check(stand.outcome.host)}", Tone.BAD))
    if len(stands) > _KEYS:
        lines.append(Line(f"  {'':<{_WIDTH}}      and {len(stands) - _KEYS:,} more: -o json", Tone.QUIET))
    return lines


def _short(key: ChangedKey) -> str:
    return f"{key.shown} (pinned {key.pinned})"


def _check(host: str) -> str:
    return f"edgectl trust check {host}"


def _names(stands: Iterable[Stand]) -> str:
    return abridged([stand.outcome.host for stand in stands])


def host_data(stand: Stand) -> dict[str, Any]:
    """Return what the report's JSON has of a host, in seconds; None is what we did not get to know."""
    look, contact = stand.look, stand.contact
    data: dict[str, Any] = {
        "standing": stand.standing.value,
        "since": contact.since.isoformat() if contact else None,
        "answered": contact.answered.isoformat() if contact and contact.answered else None,
        "rtt_s": look.rtt_s if look else None,
        "tcp_s": look.tcp_s if look else None,
        "login_s": look.login_s if look else None,
    }
    key = changed_key(stand.outcome.reason)
    if key is not None:
        data["host_key"] = {"shown": key.shown, "pinned": key.pinned, "check": _check(stand.outcome.host)}
    return data


def _with_census(report: Report, stands: Sequence[Stand]) -> Report:
    found = by_standing(stands)
    trips = sorted(trip for stand in stands if (trip := stand.round_trip_s) is not None)
    figures = (
        {"median": statistics.median(trips), "p95": quantile(trips, 0.95), "slowest": trips[-1]}
        if trips
        else None
    )
    counts = Counter({standing.value: len(of_it) for standing, of_it in found.items()})
    hosts = {
        standing.value: [stand.outcome.host for stand in found[standing]]
        for standing in (Standing.NEW, Standing.FIRST, Standing.KNOWN, Standing.BACK, Standing.KEY)
    }
    census = {"counts": dict(counts), "hosts": hosts, "round_trip_s": figures}
    return replace(report, data={**report.data, "census": census})


def span(time: timedelta) -> str:
    """Return a span of time in its greatest unit, as a person says it."""
    seconds = time.total_seconds()
    for unit_s, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds // unit_s:.0f} {word}"
    return f"{max(seconds, 0):.0f} s"


def _ms(seconds: float) -> str:
    """Return milliseconds with two digits that say something: 312, 4.1, 0.06."""
    milliseconds = seconds * 1000
    digits = 0 if milliseconds >= 10 else 1 if milliseconds >= 1 else 2  # noqa: PLR2004 - two digits
    return f"{milliseconds:.{digits}f} ms"
