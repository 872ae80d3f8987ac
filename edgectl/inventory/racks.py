"""Hosts: the ones that racks have by their template, and the ones written out.

A rack's addresses are counted from its network: node by node from the template's `first_address`, each node
followed by its DPUs. So address 1 is free for the gateway, and a rack that grows moves nobody's address.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgectl.complaints import did_you_mean
from edgectl.errors import Place, Problem
from edgectl.inventory.fold import natural_key
from edgectl.inventory.model import Pop, Rack
from edgectl.inventory.schema import HostSpec, Layer, PopSpec, RackSpec, TemplateSpec
from edgectl.inventory.sections import Entry, Sections, twice

# The most specific prefix in which IPv4 still has a network and a broadcast address.
_BROADCAST_PREFIX = 30


@dataclass(slots=True)
class Draft:
    """A host before its groups are known; `layers` lead from PoP to host."""

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


@dataclass(frozen=True, slots=True)
class _Shelf:
    """One rack of one PoP, with its template."""

    pop: Pop
    rack: Rack
    own: Entry[RackSpec]
    template: Entry[TemplateSpec]
    layers: tuple[Entry[Layer], ...]

    @property
    def nodes(self) -> int:
        return self.own.spec.nodes or self.template.spec.nodes


def drafts(sections: Sections, pops: Mapping[str, Pop], problems: list[Problem]) -> list[Draft]:
    """Return all hosts, ordered by PoP and name, and complain about those that cannot be."""
    found: list[Draft] = []
    for name in pops:
        hosts = _hosts(pops[name], sections.pops[name], sections, problems)
        found.extend(sorted(hosts.values(), key=lambda draft: natural_key(draft.name)))
    return found


def racks(sections: Sections) -> dict[str, Rack]:
    """Return the racks of all PoPs by their full name, as `fra1-r1`."""
    return {
        f"{pop}-{key}": Rack(f"{pop}-{key}", pop, spec.template, spec.addresses)
        for pop in sorted(sections.pops, key=natural_key)
        for key, spec in sections.pops[pop].spec.racks.items()
    }


def _hosts(pop: Pop, entry: Entry[PopSpec], sections: Sections, problems: list[Problem]) -> dict[str, Draft]:
    found: dict[str, Draft] = {}
    for shelf in _shelves(pop, entry, sections, problems):
        for draft in _derived(shelf):
            if draft.name in found:
                problems.append(twice(f"host {draft.name}", draft.place, found[draft.name].place))
                break
            found[draft.name] = draft
    for name, spec in entry.spec.hosts.items():
        own = entry.within(spec, "hosts", name)
        draft = _refined(found[name], own) if name in found else _listed(name, pop, entry, own)
        if not draft.address:
            message = f"host {name} has no address{did_you_mean(name, found)}"
            problems.append(Problem(message, draft.place))
        if spec.rack and spec.rack not in entry.spec.racks:
            message = f"{pop.name} has no rack '{spec.rack}'{did_you_mean(spec.rack, entry.spec.racks)}"
            problems.append(Problem(message, own.place("rack")))
        found[name] = draft
    return found


def _shelves(
    pop: Pop, entry: Entry[PopSpec], sections: Sections, problems: list[Problem]
) -> Iterator[_Shelf]:
    for key, spec in entry.spec.racks.items():
        own = entry.within(spec, "racks", key)
        template = sections.templates.get(spec.template)
        if template is None:
            if sections.is_whole:
                known = did_you_mean(spec.template, sections.templates)
                message = f"unknown rack template '{spec.template}'{known}"
                problems.append(Problem(message, own.place("template")))
            continue
        rack = Rack(f"{pop.name}-{key}", pop.name, spec.template, spec.addresses)
        shelf = _Shelf(pop, rack, own, template, (entry, template, own))
        lacking = _lacking_addresses(shelf)
        if lacking:
            problems.append(Problem(lacking, own.place("addresses")))
        else:
            yield shelf


def _lacking_addresses(shelf: _Shelf) -> str:
    network = ipaddress.ip_network(shelf.own.spec.addresses)
    template = shelf.template.spec
    hosts = shelf.nodes * (1 + template.dpus)
    has_broadcast = network.version == 4 and network.prefixlen <= _BROADCAST_PREFIX  # noqa: PLR2004 - IPv4
    there = max(0, network.num_addresses - has_broadcast - template.first_address)
    if hosts <= there:
        return ""
    return (
        f"rack {shelf.rack.name} has {hosts} hosts, {network} has {there} addresses from number"
        f" {template.first_address} on; write a larger network, or fewer nodes"
    )


def _derived(shelf: _Shelf) -> Iterator[Draft]:
    """Yield each node, followed by its DPUs."""
    template = shelf.template.spec
    network = ipaddress.ip_network(shelf.own.spec.addresses)
    kind = type(network.network_address)
    number = int(network.network_address) + template.first_address
    pattern = _name_pattern(template.name)
    labels, places = _labels(shelf)
    node_places = places | _places(shelf, role="role", hardware="hardware")
    dpu_places = places | _places(shelf, role="dpus", hardware="dpu_hardware")
    place = shelf.own.place()
    key = shelf.rack.name.removeprefix(f"{shelf.pop.name}-")
    for node in range(1, shelf.nodes + 1):
        name = pattern % {"pop": shelf.pop.name, "rack": key, "node": node}
        common = (labels, None, shelf.layers)
        yield Draft(
            name,
            str(kind(number)),
            shelf.pop,
            shelf.rack.name,
            template.role,
            template.hardware,
            *common,
            node_places,
            place,
        )
        for dpu in range(template.dpus):
            number += 1
            yield Draft(
                f"{name}-dpu{dpu}",
                str(kind(number)),
                shelf.pop,
                shelf.rack.name,
                "dpu",
                template.dpu_hardware,
                *common,
                dpu_places,
                place,
            )
        number += 1


def _name_pattern(text: str) -> str:
    """Turn `{pop}-{rack}-n{node:02}` into what `%` fills in, which is fast for 80,000 names."""
    return re.sub(
        r"\{(\w+)(?::0?(\d))?\}",
        lambda found: f"%({found[1]})0{found[2] or 1}d" if found[1] == "node" else f"%({found[1]})s",
        text,
    )


def _places(shelf: _Shelf, *, role: str, hardware: str) -> dict[str, Place]:
    return {
        "address": shelf.own.place("addresses"),
        "role": shelf.template.place(role),
        "hardware": shelf.template.place(hardware),
    }


def _labels(shelf: _Shelf) -> tuple[dict[str, str], dict[str, Place]]:
    """Merge the labels of PoP, template and rack, the weakest first."""
    labels = {**shelf.pop.labels, **shelf.template.spec.labels, **shelf.own.spec.labels}
    places = {
        f"labels.{name}": layer.place("labels", name)
        for layer in shelf.layers
        for name in getattr(layer.spec, "labels", ())
    }
    return labels, places


def _listed(name: str, pop: Pop, entry: Entry[PopSpec], own: Entry[HostSpec]) -> Draft:
    places = {f"labels.{label}": entry.place("labels", label) for label in pop.labels}
    draft = Draft(
        name,
        "",
        pop,
        "",
        "gpu",
        "",
        dict(pop.labels),
        None,
        (entry,),
        places,
        own.place(),
    )
    return _refined(draft, own)


def _refined(draft: Draft, own: Entry[HostSpec]) -> Draft:
    """Return the draft with what the host's own entry says."""
    spec = own.spec
    written = {
        name: own.place(name)
        for name in ("address", "role", "hardware", "rack", "host_key")
        if getattr(spec, name) is not None
    }
    labels = {f"labels.{name}": own.place("labels", name) for name in spec.labels}
    return Draft(
        draft.name,
        spec.address or draft.address,
        draft.pop,
        f"{draft.pop.name}-{spec.rack}" if spec.rack else draft.rack,
        spec.role or draft.role,
        spec.hardware or draft.hardware,
        {**draft.labels, **spec.labels},
        spec.host_key,
        (*draft.layers, own),
        {**draft.places, **written, **labels},
        own.place(),
    )
