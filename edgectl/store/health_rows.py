"""Health records as rows, and rows as records; moments are whole seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import (
    CardPlace,
    CardRecord,
    HealthChange,
    HealthState,
    Phase,
    Snooze,
    Turn,
    WeekRecord,
)

Word = TypeVar("Word", bound=StrEnum)


def stamp(moment: datetime) -> int:
    """Return a moment as it is stored."""
    return int(moment.timestamp())


def moment(stored: int) -> datetime:
    """Return a stored moment, in UTC."""
    return datetime.fromtimestamp(stored, UTC)


def card_row(record: CardRecord) -> dict[str, Any]:
    """Return the row of a card."""
    return {
        "card": record.card,
        "serial": record.serial,
        "name": record.name,
        "host": record.host,
        "slot": record.slot,
        "since": stamp(record.since),
        "seen": stamp(record.seen),
        "boot": record.boot,
        "driver": record.driver,
        "looks": record.looks,
    }


def card_record(row: Any) -> CardRecord:
    """Return a card; by position, since a fleet has a hundred thousand of them."""
    card, serial, name, host, slot, since, seen, boot, driver, looks = row
    return CardRecord(card, serial, name, host, slot, moment(since), moment(seen), boot, driver, looks)


def place_row(place: CardPlace) -> dict[str, Any]:
    """Return the row of a place."""
    return {"card": place.card, "since": stamp(place.since), "host": place.host, "slot": place.slot}


def card_place(row: Any) -> CardPlace:
    """Return a place."""
    card, since, host, slot = row
    return CardPlace(card, moment(since), host, slot)


def week_row(record: WeekRecord) -> dict[str, Any]:
    """Return the row of a week."""
    return {"week": record.week, "card": record.card, "days": record.days}


def state_row(state: HealthState) -> dict[str, Any]:
    """Return the row of a state."""
    return {
        "subject": state.subject,
        "finding": state.finding,
        "host": state.host,
        "label": state.label,
        "severity": state.severity.value,
        "phase": state.phase.value,
        "since": stamp(state.since),
        "seen": stamp(state.seen),
        "looks": state.looks,
    }


def health_state(row: Any) -> HealthState:
    """Return a state; a word of a newer edgectl is taken for the gravest that we know."""
    subject, finding, host, label, severity, phase, since, seen, looks = row
    return HealthState(
        subject=subject,
        finding=finding,
        host=host,
        label=label,
        severity=_word(Severity.CRITICAL, severity),
        phase=_word(Phase.ACTIVE, phase),
        since=moment(since),
        seen=moment(seen),
        looks=looks,
    )


def change_row(change: HealthChange) -> dict[str, Any]:
    """Return the row of a change."""
    return {
        "at": stamp(change.at),
        "host": change.host,
        "subject": change.subject,
        "label": change.label,
        "finding": change.finding,
        "severity": change.severity.value,
        "turn": change.turn.value,
        "why": change.why,
    }


def health_change(row: Mapping[Any, Any]) -> HealthChange:
    """Return a change; a word of a newer edgectl is taken as with states."""
    return HealthChange(
        at=moment(row["at"]),
        host=row["host"],
        subject=row["subject"],
        label=row["label"],
        finding=row["finding"],
        severity=_word(Severity.CRITICAL, row["severity"]),
        turn=_word(Turn.ENTERED, row["turn"]),
        why=row["why"],
    )


def snooze_row(snooze: Snooze) -> dict[str, Any]:
    """Return the row of a snooze."""
    return {
        "hosts": snooze.hosts,
        "finding": snooze.finding,
        "reason": snooze.reason,
        "snoozed_by": snooze.by,
        "since": stamp(snooze.since),
        "until": stamp(snooze.until),
    }


def snooze_of(row: Mapping[Any, Any]) -> Snooze:
    """Return a snooze."""
    return Snooze(
        hosts=row["hosts"],
        finding=row["finding"],
        reason=row["reason"],
        by=row["snoozed_by"],
        since=moment(row["since"]),
        until=moment(row["until"]),
        number=row["id"],
    )


def _word(otherwise: Word, stored: str) -> Word:
    try:
        return type(otherwise)(stored)
    except ValueError:
        return otherwise
