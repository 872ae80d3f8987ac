"""`health history`: what became of a host's findings and cards over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.engine.health_records import (
    CardPlace,
    CardRecord,
    HealthChange,
    HealthHistory,
    HealthState,
    Turn,
)
from edgectl.errors import ExitCode, InputError
from edgectl.ops.health.ages import age
from edgectl.ops.health.history.days import Day, days_of, week_of
from edgectl.ops.health.history.looks import looks_of
from edgectl.ops.health.history.subjects import is_node
from edgectl.ops.health.history.trends import Trend, trends
from edgectl.ops.health.words import counted
from edgectl.report import Line, Report, Table, Tone

_TONES = {Turn.ENTERED: Tone.NOTICE, Turn.WORSENED: Tone.BAD, Turn.CLEARED: Tone.GOOD}
_BARS = "▁▂▃▄▅▆▇█"
_NONE = " "


def history_of(history: HealthHistory, host: str, card: str | None, days: int, now: datetime) -> Report:
    """Return what is on record of a host, or of one card (UUID, serial or slot, or the end of one) wherever it is.

    Raises `InputError` where there is nothing.
    """
    past = history.past([host])
    records = [record for record in past.cards.get(host, ()) if not is_node(record.card)]
    if card is not None:
        records = [record for record in records if _is_named(record, card)]
    if not past.cards and not past.states:
        raise InputError(f"nobody looked at the host '{host}' yet", hint=f"edgectl health {host}")
    if card is not None and not records:
        raise InputError(
            f"the host '{host}' has no card '{card}' on record", hint=f"edgectl health history {host}"
        )
    states = [
        state for state in past.states.get(host, ()) if state.is_in_force and _is_of(state, records, card)
    ]
    since = now - timedelta(days=days)
    changes = [one for one in history.changes([host], since) if _is_of(one, records, card)]
    places = history.places([record.card for record in records])
    told = [(record, _days(history, record.card, days, now)) for record in records]
    body = [
        Line(
            f"{host} · {counted(len(records), 'card')} on record · {counted(len(states), 'finding')} in force"
            f" · last {counted(days, 'day')}"
        ),
        *_in_force(states, now),
        *_cards(told, places, now),
        *_changes(changes),
    ]
    data = _data(host, told, places, states, changes)
    return Report("health history", now, 0.0, ExitCode.DONE, data=data, body=body)


def _is_named(record: CardRecord, named: str) -> bool:
    return bool(named) and any(text.endswith(named) for text in (record.card, record.serial, record.slot))


def _is_of(one: HealthState | HealthChange, records: Sequence[CardRecord], card: str | None) -> bool:
    return card is None or any(record.card == one.subject for record in records)


def _days(history: HealthHistory, card: str, days: int, now: datetime) -> list[Day]:
    weeks = history.weeks([card], week_of(now - timedelta(days=days)), week_of(now))
    return [day for week in weeks.get(card, ()) for day in days_of(week.days)][-days:]


def _in_force(states: Sequence[HealthState], now: datetime) -> Iterator[Line]:
    for state in states:
        where = f" GPU {state.label}" if state.label else ""
        said = f"  {state.severity.value:<8} {state.finding}{where}   {state.phase.value} for {age(state.since, now)}"
        yield Line(said, Tone.BAD if state.severity.value == "critical" else Tone.NOTICE)


def _cards(
    told: Sequence[tuple[CardRecord, Sequence[Day]]], places: Sequence[CardPlace], now: datetime
) -> Iterator[Line | Table]:
    rules = load_fleet_rules().trends
    for record, days in told:
        yield Line(f"  {record.slot}  {record.name}   serial {record.serial or '?'}   {record.card}")
        yield Line(f"    here for {age(record.since, now)}, seen {age(record.seen, now)} ago", Tone.QUIET)
        for place in places:
            if place.card == record.card and (place.host, place.slot) != (record.host, record.slot):
                yield Line(
                    f"    before that at {place.host} {place.slot} from {place.since:%Y-%m-%d}", Tone.NOTICE
                )
        yield from _heat(days)
        for trend in trends(days, rules):
            yield Line(f"    {trend}", Tone.NOTICE)


def _heat(days: Sequence[Day]) -> Iterator[Line]:
    """Yield the daily mean temperature as bars, where there are days enough to see a shape."""
    means = [day.temperature_mean for day in days]
    known = [mean for mean in means if mean is not None]
    if len(known) > 1:
        low, high = min(known), max(known)
        bars = "".join(_bar(mean, low, high) for mean in means)
        yield Line(f"    daily mean {bars} {low:.0f} to {high:.0f} °C over {len(known)} days", Tone.QUIET)


def _bar(mean: float | None, low: float, high: float) -> str:
    if mean is None:
        return _NONE
    share = (mean - low) / (high - low) if high > low else 0.0
    return _BARS[round(share * (len(_BARS) - 1))]


def _changes(changes: Sequence[HealthChange]) -> Iterator[Line]:
    for one in changes:
        where = f" GPU {one.label}" if one.label else ""
        what = f"{one.severity.value} {one.finding}{where}: {one.why}"
        yield Line(f"  {one.at:%Y-%m-%d %H:%M} UTC  {one.turn.value:<8} {what}", _TONES[one.turn])


def _data(
    host: str,
    told: Sequence[tuple[CardRecord, Sequence[Day]]],
    places: Sequence[CardPlace],
    states: Sequence[HealthState],
    changes: Sequence[HealthChange],
) -> dict[str, Any]:
    return {
        "host": host,
        "cards": [_card(record, days, places) for record, days in told],
        "in_force": [
            {
                "finding": state.finding,
                "gpu": state.label or None,
                "severity": state.severity.value,
                "phase": state.phase.value,
                "since": state.since.isoformat(),
            }
            for state in states
        ],
        "changes": [
            {
                "at": one.at.isoformat(),
                "finding": one.finding,
                "gpu": one.label or None,
                "severity": one.severity.value,
                "turn": one.turn.value,
                "why": one.why,
            }
            for one in changes
        ],
    }


def _card(record: CardRecord, days: Sequence[Day], places: Sequence[CardPlace]) -> dict[str, Any]:
    return {
        "gpu": record.card,
        "serial": record.serial,
        "name": record.name,
        "slot": record.slot,
        "since": record.since.isoformat(),
        "seen": record.seen.isoformat(),
        "places": [
            {"host": place.host, "slot": place.slot, "since": place.since.isoformat()}
            for place in places
            if place.card == record.card
        ],
        "days": [_day(day) for day in days],
        "looks": [{"at": look.at.isoformat(), **look.readings} for look in looks_of(record.looks)],
        "trends": [_trend(trend) for trend in trends(days, load_fleet_rules().trends)],
    }


def _day(day: Day) -> dict[str, Any]:
    return {
        "day": datetime.fromordinal(int(day.ordinal)).date().isoformat(),
        "looks": int(day.looks),
        "temperature_c": day.temperature_mean,
        "power_w": day.power_mean,
        "ecc_corrected": day.ecc_corrected,
        "ecc_uncorrected": day.ecc_uncorrected,
        "pcie_replays": day.pcie_replays,
        "thermal_s": day.thermal_s,
        "brake_s": day.brake_s,
    }


def _trend(trend: Trend) -> dict[str, Any]:
    return {
        "figure": trend.figure,
        "says": str(trend),
        "per_week": trend.per_week,
        "weeks_left": trend.weeks_left,
    }
