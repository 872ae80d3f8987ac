"""The hosts that a rack has by its template.

A rack's addresses are counted from its network: node by node from the template's `first_address`, each node
followed by its DPUs. So address 1 is free for the gateway, and a rack that grows moves nobody's address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgectl.errors import Place
from edgectl.inventory.model import Pop, Rack
from edgectl.inventory.schema import Layer, PopSpec, RackSpec, TemplateSpec
from edgectl.inventory.sections import Entry

_IPV4 = 4
# The most specific prefix in which IPv4 still has a network and a broadcast address.
_BROADCAST_PREFIX = 30


@dataclass(slots=True)
class Draft:
    """A host before its groups are known.

    `layers` lead from PoP to host. `places`, where its values were written, is one object for all hosts of a
    rack that have the same. `groups` are found from all drafts together.
    """

    name: str
    address: str
    pop: Pop
    rack: str
    role: str
    hardware: str
    labels: dict[str, str]
    host_key: str | None
    layers: tuple[Entry[Layer], ...]
    places: dict[str, Place]
    place: Place
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """One rack of one PoP, with its template."""

    pop: Pop
    entry: Entry[PopSpec]
    rack: Rack
    own: Entry[RackSpec]
    template: Entry[TemplateSpec]

    @property
    def nodes(self) -> int:
        """How many nodes this rack has; it may differ from its template."""
        return self.own.spec.nodes or self.template.spec.nodes


def lacking_addresses(shelf: Shelf) -> str:
    """Return the complaint that the rack's network is too small, or ''."""
    network = ipaddress.ip_network(shelf.own.spec.addresses)
    template = shelf.template.spec
    hosts = shelf.nodes * (1 + template.dpus)
    has_broadcast = network.version == _IPV4 and network.prefixlen <= _BROADCAST_PREFIX
    there = max(0, network.num_addresses - has_broadcast - template.first_address)
    if hosts <= there:
        return ""
    return (
        f"rack {shelf.rack.name} has {hosts} hosts, but {network} only {there} addresses from number"
        f" {template.first_address} on; write a larger network, or fewer nodes"
    )


def derived(shelf: Shelf) -> Iterator[Draft]:
    """Yield each node of a rack, followed by its DPUs."""
    network = ipaddress.ip_network(shelf.own.spec.addresses)
    address_of = type(network.network_address)
    first = int(network.network_address) + shelf.template.spec.first_address
    labels, layers = _labels(shelf), (shelf.entry, shelf.template, shelf.own)
    pop, rack, place = shelf.pop, shelf.rack.name, shelf.own.place()
    for offset, (name, kind) in enumerate(_slots(shelf)):
        address = str(address_of(first + offset))
        yield Draft(
            name, address, pop, rack, kind.role, kind.hardware, labels, None, layers, kind.places, place
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the nodes of a rack have in common, or its DPUs."""

    role: str
    hardware: str
    places: dict[str, Place]


def _slots(shelf: Shelf) -> Iterator[tuple[str, _Kind]]:
    """Yield the names in the order in which addresses are counted."""
    template = shelf.template.spec
    node_kind = _Kind(template.role, template.hardware, _places(shelf, role="role", hardware="hardware"))
    dpu_kind = node_kind
    if template.dpus:
        dpu_kind = _Kind("dpu", template.dpu_hardware, _places(shelf, role="dpus", hardware="dpu_hardware"))
    pattern = _name_pattern(template.name)
    key = shelf.rack.name.removeprefix(f"{shelf.pop.name}-")
    for node in range(1, shelf.nodes + 1):
        name = pattern % {"pop": shelf.pop.name, "rack": key, "node": node}
        yield name, node_kind
        for dpu in range(template.dpus):
            yield f"{name}-dpu{dpu}", dpu_kind


def _name_pattern(text: str) -> str:
    """Turn `{pop}-{rack}-n{node:02}` into what `%` fills in, which is fast for 80,000 names."""
    text = re.sub(r"\{node(?::0([1-9]))?\}", lambda found: f"%(node)0{found[1] or 1}d", text)
    return re.sub(r"\{(pop|rack)\}", r"%(\1)s", text)


def _labels(shelf: Shelf) -> dict[str, str]:
    """Merge the labels of PoP, template and rack, the weakest first."""
    return {**shelf.pop.labels, **shelf.template.spec.labels, **shelf.own.spec.labels}


def _places(shelf: Shelf, *, role: str, hardware: str) -> dict[str, Place]:
    """Return where a host's values stand; `role` and `hardware` are the template's keys that say them."""
    places = pop_places(shelf.entry)
    places |= {"address": shelf.own.place("addresses"), "rack": shelf.own.place()}
    for name, key in (("role", role), ("hardware", hardware)):
        if key in shelf.template.spec.model_fields_set:
            places[name] = shelf.template.place(key)
    for layer in (shelf.template, shelf.own):
        places |= {f"labels.{name}": layer.place("labels", name) for name in layer.spec.labels}
    return places


def pop_places(entry: Entry[PopSpec]) -> dict[str, Place]:
    """Return where a host's PoP, and what the host has from it, were written."""
    places = {"pop": entry.place()}
    for name in ("metro", "region", "country", "tz", "state"):
        if name in entry.spec.model_fields_set:
            places[name] = entry.place(name)
    return places | {f"labels.{name}": entry.place("labels", name) for name in entry.spec.labels}
