"""One look at one host, set beside what is on record of it: what is new, what stays, what is gone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from edgectl.catalog.health_states import StatePolicies
from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import CardPlace, CardRecord, HealthChange, HealthState
from edgectl.ops.health.finding import Finding, Standing
from edgectl.ops.health.gpu_rules import GPU_RULES
from edgectl.ops.health.history.looks import with_look
from edgectl.ops.health.history.states import Sighting, step
from edgectl.ops.health.history.subjects import Cards, cards_of, node_subject
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState
from edgectl.ops.health.verdict import Verdict

# A host that does not answer has a history too, beside what is found at those that do.
UNREACHABLE = "unreachable"
OUTLIER = "outlier-"


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record of one host; `copied` are UUIDs that other hosts show as well."""

    cards: Sequence[CardRecord] = ()
    states: Sequence[HealthState] = ()
    copied: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A card that was elsewhere at the look before."""

    card: str
    label: str
    was: CardRecord


@dataclass(frozen=True, slots=True)
class HostLook:
    """What one look at one host adds to the record; `states` has every finding that is worth a row."""

    host: str
    cards: Cards
    records: Sequence[CardRecord] = ()
    places: Sequence[CardPlace] = ()
    moved: Sequence[Moved] = ()
    states: Mapping[tuple[str, str], HealthState] = field(default_factory=dict)
    gone: Sequence[tuple[str, str]] = ()
    changes: Sequence[HealthChange] = ()

    def state(self, found: Finding) -> HealthState | None:
        """Return how a finding of this look stands."""
        return self.states.get((self.cards.subject(found), found.id))


def look_at(
    host: str, node: Node, verdict: Verdict, record: OnRecord, policies: StatePolicies, at: datetime
) -> HostLook:
    """Return what a look at a host that answered adds to the record."""
    cards = cards_of(host, node, record.cards, record.copied)
    records = [_node_record(host, node, cards, at), *_records(host, node, cards, at)]
    told = _Told(host, node, verdict, cards)
    states, gone, changes = _stepped(told.sightings(record.states), record.states, policies, at)
    return HostLook(
        host=host,
        cards=cards,
        records=records,
        places=[_place(one) for one in records[1:] if one.since == at],
        moved=list(_moved(node, cards, host)),
        states=states,
        gone=gone,
        changes=changes,
    )


def no_answer(host: str, record: OnRecord, policies: StatePolicies, at: datetime) -> HostLook:
    """Return what it adds that a host could not be reached; nothing that stands there is judged."""
    away = Sighting(node_subject(host), UNREACHABLE, host, "", Severity.WARNING)
    states, gone, changes = _stepped([away], record.states, policies, at)
    return HostLook(host, Cards(host, {}, {}), states=states, gone=gone, changes=changes)


def with_sightings(
    look: HostLook, sightings: Collection[Sighting], policies: StatePolicies, at: datetime
) -> HostLook:
    """Return a look with what only the whole fleet could see at its host."""
    states, gone, changes = _stepped(sightings, list(look.states.values()), policies, at)
    return replace(look, states=states, gone=[*look.gone, *gone], changes=[*look.changes, *changes])


_Stepped = tuple[dict[tuple[str, str], HealthState], list[tuple[str, str]], list[HealthChange]]


def _stepped(
    sightings: Collection[Sighting], before: Sequence[HealthState], policies: StatePolicies, at: datetime
) -> _Stepped:
    """Return all states behind a look, those that were not looked at as they were."""
    states = {(state.subject, state.finding): state for state in before}
    gone: list[tuple[str, str]] = []
    changes: list[HealthChange] = []
    for sighting in sightings:
        key = sighting.subject, sighting.finding
        done = step(states.get(key), sighting, policies, at)
        changes += done.changes
        if done.state is not None:
            states[key] = done.state
        elif states.pop(key, None) is not None:
            gone.append(key)
    return states, gone, changes


@dataclass(frozen=True, slots=True)
class _Told:
    """What a node told, asked for each finding: is it there, and could it be judged at all?"""

    host: str
    node: Node
    verdict: Verdict
    cards: Cards

    def sightings(self, states: Sequence[HealthState]) -> list[Sighting]:
        found = self._found()
        clean = [
            Sighting(state.subject, state.finding, self.host, state.label, None)
            for state in states
            if (state.subject, state.finding) not in found and self._is_judged(state)
        ]
        return [*found.values(), *clean]

    def _found(self) -> dict[tuple[str, str], Sighting]:
        """Return the findings by subject; of several alike at one card the worst."""
        found: dict[tuple[str, str], Sighting] = {}
        for one in self.verdict.findings:
            subject = self.cards.subject(one)
            key = subject, one.id
            if key not in found or one.severity is Severity.CRITICAL:
                is_first = not self._is_known(subject)
                found[key] = Sighting(subject, one.id, self.host, one.label, one.severity, is_first=is_first)
        return found

    def _is_known(self, subject: str) -> bool:
        return subject in self.cards.on_record or (
            subject.startswith(f"{node_subject(self.host)}/")
            and node_subject(self.host) in self.cards.on_record
        )

    def _is_judged(self, state: HealthState) -> bool:
        """Tell whether this look could have found it; what was not judged is not clean."""
        if state.finding == UNREACHABLE:
            return True
        if state.finding.startswith(OUTLIER):
            return self._gpu(state) is None and self._is_replaced(state.subject)
        rule = self._rule(state.finding)
        if {rule, state.finding} & self.verdict.watched:
            return False
        if self.verdict.standings.get(rule, Standing.HOLDS) is Standing.UNJUDGED:
            return False
        if state.subject == node_subject(self.host) or rule not in GPU_RULES:
            return True
        return self._is_judged_at_card(state, rule)

    def _is_judged_at_card(self, state: HealthState, rule: str) -> bool:
        gpu = self._gpu(state)
        if gpu is None:
            return self._is_replaced(state.subject)
        if gpu.state is GpuState.LOST and rule != "gpu-lost":
            return False
        return (gpu.label, rule) not in self.verdict.unjudged

    def _rule(self, finding: str) -> str:
        """Return the rule of a finding: Xids have one in common, each finding a number."""
        return "xid" if finding.startswith("xid-") and finding not in self.verdict.standings else finding

    def _is_replaced(self, subject: str) -> bool:
        """Tell whether another card works where this one was: then it is not here any more."""
        record = self.cards.on_record.get(subject)
        if record is None or record.host != self.host:
            return False
        return any(gpu.pci_bus_id == record.slot and gpu.state is GpuState.OK for gpu in self.node.gpus)

    def _gpu(self, state: HealthState) -> Gpu | None:
        """Return the GPU that a state is about, where it is here: by its card, else by its place."""
        for gpu in self.node.gpus:
            address = (gpu.pci_bus_id or "").partition(":")[2]
            if self.cards.of_label(gpu.label) == state.subject:
                return gpu
            if address and state.subject == f"{node_subject(self.host)}/{address}":
                return gpu
        return None


def _records(host: str, node: Node, cards: Cards, at: datetime) -> Iterator[CardRecord]:
    """Yield the record of each card that answered; what a lost one said last stays as it is."""
    for gpu in node.gpus:
        card = cards.by_label.get(gpu.label)
        if card is None or gpu.state is not GpuState.OK:
            continue
        before, slot = cards.on_record.get(card), gpu.pci_bus_id or ""
        stayed = before is not None and (before.host, before.slot) == (host, slot)
        yield CardRecord(
            card=card,
            serial=gpu.serial or (before.serial if before else ""),
            name=gpu.name or (before.name if before else ""),
            host=host,
            slot=slot,
            since=before.since if before is not None and stayed else at,
            seen=at,
            boot=node.boot_id,
            driver=node.driver_version or "",
            looks=with_look(before.looks if before else b"", gpu, node.boot_id, at),
        )


def _node_record(host: str, node: Node, cards: Cards, at: datetime) -> CardRecord:
    """Return the row of the node itself: that it was looked at, in which boot, with which driver."""
    subject = node_subject(host)
    before = cards.on_record.get(subject)
    since = before.since if before is not None else at
    return CardRecord(
        subject, "", node.kernel, host, "", since, at, node.boot_id, node.driver_version or "", b""
    )


def _place(record: CardRecord) -> CardPlace:
    return CardPlace(record.card, record.since, record.host, record.slot)


def _moved(node: Node, cards: Cards, host: str) -> Iterator[Moved]:
    for gpu in node.gpus:
        card = cards.by_label.get(gpu.label, "")
        was = cards.on_record.get(card)
        if was is None or gpu.state is not GpuState.OK:
            continue
        if (was.host, was.slot) != (host, gpu.pci_bus_id or ""):
            yield Moved(card, gpu.label, was)
