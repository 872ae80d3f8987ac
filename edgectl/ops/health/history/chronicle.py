"""One run beside the record: asked while hosts answer, settled when all have, and put on record once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from edgectl.catalog.health_states import StatePolicies
from edgectl.engine.health_records import (
    CardRecord,
    HealthHistory,
    HealthKept,
    HealthState,
    WeekRecord,
)
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.history.days import week_of, with_day
from edgectl.ops.health.history.host_look import HostLook, OnRecord, look_at, no_answer
from edgectl.ops.health.history.looks import base_of, earlier_of
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState
from edgectl.ops.health.verdict import Verdict


@dataclass(frozen=True, slots=True)
class _Seen:
    """A host that answered, as it was judged, and when."""

    node: Node
    verdict: Verdict
    at: datetime


class Chronicle:
    """What is on record of the hosts of a run, and what the run adds to it."""

    def __init__(self, history: HealthHistory, hosts: Collection[str], policies: StatePolicies) -> None:
        self._history = history
        self._policies = policies
        past = history.past(hosts)
        self._record = {host: OnRecord(past.cards.get(host, ()), past.states.get(host, ())) for host in hosts}
        self._seen: dict[str, _Seen] = {}
        self._looks: dict[str, HostLook] = {}

    def is_known(self, host: str) -> bool:
        """Tell whether somebody looked at a host before."""
        record = self._record[host]
        return bool(record.cards or record.states)

    def earlier(self, host: str, node: Node, at: datetime) -> dict[str, Earlier]:
        """Return the last look at each card of a host, in this boot, by UUID."""
        found: dict[str, Earlier] = {}
        for record in self._record[host].cards:
            earlier = earlier_of(record, node.boot_id, at)
            if earlier is not None:
                found[record.card.partition("@")[0]] = earlier
        return found

    def looked(self, host: str, node: Node, verdict: Verdict, at: datetime) -> HostLook:
        """Take note of a host that answered, and return how its findings stand."""
        self._seen[host] = _Seen(node, verdict, at)
        return self._look(host)

    def away(self, host: str, at: datetime) -> HostLook:
        """Take note of a host that could not be reached."""
        self._looks[host] = no_answer(host, self._record[host], self._policies, at)
        return self._looks[host]

    def _look(self, host: str) -> HostLook:
        seen = self._seen[host]
        self._looks[host] = look_at(
            host, seen.node, seen.verdict, self._record[host], self._policies, seen.at
        )
        return self._looks[host]

    def settled(self) -> Mapping[str, HostLook]:
        """Return the look at each host, now that all cards are known: where one came from, and which are copies."""
        copied = self._copied()
        for host in self._hosts_with(copied):
            self._record[host] = replace(self._record[host], copied=copied)
            self._look(host)
        for host, record in self._without_and_with_the_moved():
            self._record[host] = record
            self._look(host)
        return self._looks

    def _copied(self) -> frozenset[str]:
        shown = Counter(
            uuid
            for seen in self._seen.values()
            for uuid in {gpu.uuid for gpu in seen.node.gpus if gpu.uuid is not None}
        )
        return frozenset(uuid for uuid, hosts in shown.items() if hosts > 1)

    def _hosts_with(self, uuids: Collection[str]) -> list[str]:
        if not uuids:
            return []
        return [host for host, seen in self._seen.items() if any(gpu.uuid in uuids for gpu in seen.node.gpus)]

    def _without_and_with_the_moved(self) -> Iterator[tuple[str, OnRecord]]:
        """Yield what is on record of hosts that cards left, then of those they came to, the cards' own with them."""
        new = {
            card: host
            for host, look in self._looks.items()
            for card in look.cards.by_label.values()
            if card not in look.cards.on_record
        }
        past = self._history.of_cards(list(new)) if new else None
        if past is None or not past.cards:
            return
        records = [record for of_host in past.cards.values() for record in of_host]
        states = [state for of_host in past.states.values() for state in of_host]
        moved = {record.card for record in records}
        for host in sorted({record.host for record in records} & self._seen.keys()):
            yield host, _without(self._record[host], moved)
        for host in dict.fromkeys(new[record.card] for record in records):
            theirs = {record.card for record in records if new[record.card] == host}
            own = self._record[host]
            yield (
                host,
                OnRecord(
                    (*own.cards, *(record for record in records if record.card in theirs)),
                    (*own.states, *(state for state in states if state.subject in theirs)),
                    own.copied,
                ),
            )

    def keep(self, looks: Mapping[str, HostLook]) -> None:
        """Put the run on record. Raises `MissingError` where the store refuses; then nothing was kept."""
        self._history.keep(
            HealthKept(
                cards=[record for look in looks.values() for record in look.records],
                places=[place for look in looks.values() for place in look.places],
                weeks=self._weeks(),
                states=[state for look in looks.values() for state in self._changed(look)],
                gone=[key for look in looks.values() for key in look.gone],
                changes=[change for look in looks.values() for change in look.changes],
            )
        )

    def _changed(self, look: HostLook) -> Iterable[HealthState]:
        before = {(state.subject, state.finding): state for state in self._record[look.host].states}
        return [state for key, state in look.states.items() if before.get(key) != state]

    def _weeks(self) -> list[WeekRecord]:
        """Return this week's row of every card that answered, with this look in it."""
        shown = list(self._shown())
        if not shown:
            return []
        weeks = {week_of(seen.at) for _, _, seen, _ in shown}
        known = self._history.weeks([card for card, *_ in shown], min(weeks), max(weeks))
        packed = {(row.card, row.week): row.days for rows in known.values() for row in rows}
        found = []
        for card, gpu, seen, record in shown:
            week = week_of(seen.at)
            days = with_day(packed.get((card, week), b""), gpu, base_of(record, seen.node.boot_id), seen.at)
            found.append(WeekRecord(card, week, days))
        return found

    def _shown(self) -> Iterator[tuple[str, Gpu, _Seen, CardRecord | None]]:
        for host, seen in self._seen.items():
            cards = self._looks[host].cards
            for gpu in seen.node.gpus:
                card = cards.by_label.get(gpu.label)
                if card is not None and gpu.state is GpuState.OK:
                    yield card, gpu, seen, cards.on_record.get(card)


def _without(record: OnRecord, cards: Collection[str]) -> OnRecord:
    return replace(
        record,
        cards=[card for card in record.cards if card.card not in cards],
        states=[state for state in record.states if state.subject not in cards],
    )
