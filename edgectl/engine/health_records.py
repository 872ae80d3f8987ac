"""What the store keeps of the fleet's health: cards and where they are, states of findings, changes, snoozes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from edgectl.catalog.rules_model import Severity


class Phase(StrEnum):
    """How a finding stands over several looks; it is in force while active or clearing."""

    SEEN = "seen"
    ACTIVE = "active"
    CLEARING = "clearing"
    CLEARED = "cleared"


class Turn(StrEnum):
    """What became of a finding between two looks."""

    ENTERED = "entered"
    WORSENED = "worsened"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class CardRecord:
    """One card (by UUID), where it is since when, and its latest looks, packed."""

    card: str
    serial: str
    name: str
    host: str
    slot: str
    since: datetime  # at this place
    seen: datetime
    boot: str
    driver: str
    looks: bytes


@dataclass(frozen=True, slots=True)
class CardPlace:
    """A card came to a place."""

    card: str
    since: datetime
    host: str
    slot: str


@dataclass(frozen=True, slots=True)
class WeekRecord:
    """The days of one card in one week, packed; `week` counts from the proleptic Gregorian year 1."""

    card: str
    week: int
    days: bytes


@dataclass(frozen=True, slots=True)
class HealthState:
    """One finding about one subject, over its looks.

    `looks` has a bit for each of the last 32 looks that judged it, the latest lowest, 1 where it was found.
    `since` is when it came into force, or was first seen where it is not in force.
    """

    subject: str
    finding: str
    host: str
    label: str
    severity: Severity
    phase: Phase
    since: datetime
    seen: datetime
    looks: int

    @property
    def is_in_force(self) -> bool:
        """Tell whether it counts."""
        return self.phase in (Phase.ACTIVE, Phase.CLEARING)

    @property
    def is_there(self) -> bool:
        """Tell whether it counts, or was found at the latest look, be it by too few looks to count."""
        return self.is_in_force or (self.phase is Phase.SEEN and self.looks & 1 == 1)


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A finding came into force, became worse, or went; `why` says by what."""

    at: datetime
    host: str
    subject: str
    label: str
    finding: str
    severity: Severity
    turn: Turn
    why: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """Findings that somebody knows of: `hosts` is a pattern, `finding` a name, which may have wildcards."""

    hosts: str
    finding: str
    reason: str
    by: str
    since: datetime
    until: datetime
    number: int = 0


@dataclass(frozen=True, slots=True)
class HealthPast:
    """What is on record: cards by the host they are at, states by the host they are about."""

    cards: Mapping[str, Sequence[CardRecord]]
    states: Mapping[str, Sequence[HealthState]]


@dataclass(frozen=True, slots=True)
class HealthKept:
    """What one run puts on record; `gone` are states (subject and finding) that are worth no row any more."""

    cards: Sequence[CardRecord] = ()
    places: Sequence[CardPlace] = ()
    weeks: Sequence[WeekRecord] = ()
    states: Sequence[HealthState] = ()
    gone: Sequence[tuple[str, str]] = ()
    changes: Sequence[HealthChange] = ()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows were forgotten, by what they held."""

    weeks: int
    cards: int
    changes: int


class HealthHistory(Protocol):
    """Where the fleet's health is kept. Every method raises `MissingError` where the store does not answer."""

    def past(self, hosts: Collection[str]) -> HealthPast:
        """Return what is on record of these hosts."""
        ...

    def of_cards(self, cards: Collection[str]) -> HealthPast:
        """Return what is on record of these cards, wherever they are."""
        ...

    def weeks(self, cards: Collection[str], first: int, last: int) -> Mapping[str, Sequence[WeekRecord]]:
        """Return the weeks `first` to `last` of these cards, in their order."""
        ...

    def keep(self, kept: HealthKept) -> None:
        """Put what a run found on record, all of it or nothing."""
        ...

    def changes(self, hosts: Collection[str], since: datetime) -> Sequence[HealthChange]:
        """Return what changed at these hosts, the latest first."""
        ...

    def places(self, cards: Collection[str]) -> Sequence[CardPlace]:
        """Return where these cards have been, the latest place first."""
        ...

    def failures(self, since: datetime) -> Mapping[str, int]:
        """Return at how many looks critical findings came into force, by host; several at one look are one failure."""
        ...

    def snooze(self, snooze: Snooze) -> None:
        """Begin a snooze."""
        ...

    def unsnooze(self, hosts: str, finding: str, by: str, at: datetime) -> int:
        """End the snoozes of exactly this pattern and finding, and return how many were in force."""
        ...

    def snoozes(self, at: datetime) -> Sequence[Snooze]:
        """Return the snoozes in force, the one that ends first first."""
        ...

    def prune(self, looks_before: datetime, changes_before: datetime) -> Forgotten:
        """Forget looks and changes of before, and cards that nobody has seen since."""
        ...


class NoHealthHistory:
    """Knows nothing and keeps nothing: for what has no fleet to look after."""

    def past(self, hosts: Collection[str]) -> HealthPast:
        """Return nothing."""
        del hosts
        return HealthPast({}, {})

    def of_cards(self, cards: Collection[str]) -> HealthPast:
        """Return nothing."""
        return self.past(cards)

    def weeks(self, cards: Collection[str], first: int, last: int) -> Mapping[str, Sequence[WeekRecord]]:
        """Return nothing."""
        del cards, first, last
        return {}

    def keep(self, kept: HealthKept) -> None:
        """Forget it."""

    def changes(self, hosts: Collection[str], since: datetime) -> Sequence[HealthChange]:
        """Return nothing."""
        del hosts, since
        return ()

    def places(self, cards: Collection[str]) -> Sequence[CardPlace]:
        """Return nothing."""
        del cards
        return ()

    def failures(self, since: datetime) -> Mapping[str, int]:
        """Return nothing."""
        del since
        return {}

    def snooze(self, snooze: Snooze) -> None:
        """Forget it."""

    def unsnooze(self, hosts: str, finding: str, by: str, at: datetime) -> int:
        """Return that there was none."""
        del hosts, finding, by, at
        return 0

    def snoozes(self, at: datetime) -> Sequence[Snooze]:
        """Return nothing."""
        del at
        return ()

    def prune(self, looks_before: datetime, changes_before: datetime) -> Forgotten:
        """Return that there was nothing."""
        del looks_before, changes_before
        return Forgotten(0, 0, 0)
