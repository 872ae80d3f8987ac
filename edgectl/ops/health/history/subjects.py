"""Who a finding is about, so that its history stays with it: a card wherever it is put, or a node. Pure.

A card is its UUID. One that the driver lost has none: it is the card that was on record at its place. Two hosts that
show the same UUID in one run, as copies of a virtual machine may, each have a card of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from edgectl.engine.health_records import CardRecord
from edgectl.ops.health.finding import Finding
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards of one host by the label of their GPU, as far as they are known, and what is on record of each."""

    host: str
    by_label: Mapping[str, str]
    on_record: Mapping[str, CardRecord]

    def subject(self, found: Finding) -> str:
        """Return who a finding is about."""
        if not found.label:
            return node_subject(self.host)
        return self.of_label(found.label)

    def of_label(self, label: str) -> str:
        """Return the card behind a GPU's label; one that is not known is a place of this host."""
        # A MIG instance is told as `0/gi1`: it is part of its card.
        of_gpu = label.partition("/")[0]
        return self.by_label.get(of_gpu) or f"{node_subject(self.host)}/{of_gpu}"


def node_subject(host: str) -> str:
    """Return a node as the subject of a finding; no UUID begins so."""
    return f"node:{host}"


def is_node(subject: str) -> bool:
    """Tell whether a subject is a node, or a place of it, and no card."""
    return subject.startswith("node:")


def uuid_of(subject: str) -> str | None:
    """Return the UUID behind a subject, None for a node or a place; a copy's is followed by its host."""
    return None if is_node(subject) else subject.partition("@")[0]


def cards_of(host: str, node: Node, records: Sequence[CardRecord], copied: Collection[str] = ()) -> Cards:
    """Return the cards of a host; `copied` are UUIDs that several hosts show."""
    on_record = {record.card: record for record in records}
    by_slot = {record.slot: record.card for record in records if record.host == host and record.slot}
    by_label: dict[str, str] = {}
    for gpu in node.gpus:
        card = _card(host, gpu, on_record, by_slot, copied)
        if card:
            by_label[gpu.label] = card
    return Cards(host, by_label, on_record)


def _card(
    host: str,
    gpu: Gpu,
    on_record: Mapping[str, CardRecord],
    by_slot: Mapping[str, str],
    copied: Collection[str],
) -> str:
    if gpu.uuid is None:
        return by_slot.get(gpu.pci_bus_id or "", "")
    own = f"{gpu.uuid}@{host}"
    return own if gpu.uuid in copied or own in on_record else gpu.uuid
