"""The health history in memory, for tests that need no database; the contract suite holds it to the same promises."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import (
    CardPlace,
    CardRecord,
    Forgotten,
    HealthChange,
    HealthKept,
    HealthPast,
    HealthState,
    Snooze,
    Turn,
    WeekRecord,
)


class MemoryHealthHistory:
    def __init__(self) -> None:
        self.cards: dict[str, CardRecord] = {}
        self.states: dict[tuple[str, str], HealthState] = {}
        self._places: dict[tuple[str, datetime], CardPlace] = {}
        self._weeks: dict[tuple[str, int], WeekRecord] = {}
        self._changes: list[HealthChange] = []
        self._snoozes: list[Snooze] = []

    def past(self, hosts: Collection[str]) -> HealthPast:
        return self._past(lambda card: card.host in hosts, lambda state: state.host in hosts)

    def of_cards(self, cards: Collection[str]) -> HealthPast:
        return self._past(lambda card: card.card in cards, lambda state: state.subject in cards)

    def _past(
        self, wants_card: Callable[[CardRecord], bool], wants_state: Callable[[HealthState], bool]
    ) -> HealthPast:
        cards: dict[str, list[CardRecord]] = defaultdict(list)
        for card in filter(wants_card, self.cards.values()):
            cards[card.host].append(card)
        states: dict[str, list[HealthState]] = defaultdict(list)
        for state in filter(wants_state, self.states.values()):
            states[state.host].append(state)
        return HealthPast(dict(cards), dict(states))

    def weeks(self, cards: Collection[str], first: int, last: int) -> Mapping[str, Sequence[WeekRecord]]:
        found: dict[str, list[WeekRecord]] = defaultdict(list)
        for card, week in sorted(self._weeks):
            if card in cards and first <= week <= last:
                found[card].append(self._weeks[card, week])
        return dict(found)

    def keep(self, kept: HealthKept) -> None:
        self.cards.update({card.card: card for card in kept.cards})
        self._places.update({(place.card, place.since): place for place in kept.places})
        self._weeks.update({(week.card, week.week): week for week in kept.weeks})
        self.states.update({(state.subject, state.finding): state for state in kept.states})
        for key in kept.gone:
            self.states.pop(key, None)
        self._changes = [*reversed(kept.changes), *self._changes]

    def changes(self, hosts: Collection[str], since: datetime) -> Sequence[HealthChange]:
        found = [change for change in self._changes if change.host in hosts and change.at >= since]
        return sorted(found, key=lambda change: change.at, reverse=True)

    def places(self, cards: Collection[str]) -> Sequence[CardPlace]:
        found = [place for place in self._places.values() if place.card in cards]
        return sorted(found, key=lambda place: (place.since, place.card), reverse=True)

    def failures(self, since: datetime) -> Mapping[str, int]:
        moments = {
            (change.host, change.at)
            for change in self._changes
            if change.at >= since
            and change.severity is Severity.CRITICAL
            and change.turn in (Turn.ENTERED, Turn.WORSENED)
        }
        return Counter(host for host, _ in moments)

    def snooze(self, snooze: Snooze) -> None:
        self._snoozes.append(replace(snooze, number=len(self._snoozes) + 1))

    def unsnooze(self, hosts: str, finding: str, by: str, at: datetime) -> int:
        del by
        ended = [one for one in self.snoozes(at) if (one.hosts, one.finding) == (hosts, finding)]
        self._snoozes = [one for one in self._snoozes if one not in ended]
        return len(ended)

    def snoozes(self, at: datetime) -> Sequence[Snooze]:
        return sorted((one for one in self._snoozes if one.until > at), key=lambda one: one.until)

    def prune(self, looks_before: datetime, changes_before: datetime) -> Forgotten:
        week = looks_before.date().toordinal() // 7
        old_weeks = [key for key in self._weeks if key[1] < week]
        old_cards = [card.card for card in self.cards.values() if card.seen < looks_before]
        old_changes = [change for change in self._changes if change.at < changes_before]
        for key in old_weeks:
            del self._weeks[key]
        for card in old_cards:
            del self.cards[card]
        self._places = {key: place for key, place in self._places.items() if key[0] not in old_cards}
        self._changes = [change for change in self._changes if change not in old_changes]
        self.states = {key: state for key, state in self.states.items() if state.seen >= looks_before}
        self._snoozes = [one for one in self._snoozes if one.until >= changes_before]
        return Forgotten(len(old_weeks), len(old_cards), len(old_changes))
