"""All hosts of an inventory: those of its racks, refined where they are also listed, and the listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from edgectl.complaints import did_you_mean
from edgectl.errors import Place, Problem
from edgectl.inventory.fold import natural_key
from edgectl.inventory.model import Pop, Rack
from edgectl.inventory.racks import Draft, Shelf, derived, lacking_addresses, pop_places
from edgectl.inventory.schema import HostSpec, PopSpec
from edgectl.inventory.sections import Entry, Sections, twice


def racks(sections: Sections) -> dict[str, Rack]:
    """Return the racks of all PoPs by their full name, as `fra1-r1`, in natural order."""
    return {
        f"{pop}-{key}": Rack(f"{pop}-{key}", pop, spec.template, spec.addresses)
        for pop in sorted(sections.pops, key=natural_key)
        for key, spec in sorted(sections.pops[pop].spec.racks.items(), key=lambda item: natural_key(item[0]))
    }


def drafts(sections: Sections, pops: Mapping[str, Pop], problems: list[Problem]) -> list[Draft]:
    """Return all hosts, ordered by PoP and name, and complain about those that cannot be."""
    found: list[Draft] = []
    for name, pop in pops.items():
        entry = sections.pops[name]
        hosts = _of_racks(pop, entry, sections, problems)
        # The hosts of one rack come in order; sorting 80,000 again would cost as much as making them.
        if entry.spec.hosts or len(entry.spec.racks) > 1:
            _add_listed(hosts, pop, entry, problems)
            found.extend(sorted(hosts.values(), key=lambda draft: natural_key(draft.name)))
        else:
            found.extend(hosts.values())
    return found


def _of_racks(
    pop: Pop, entry: Entry[PopSpec], sections: Sections, problems: list[Problem]
) -> dict[str, Draft]:
    found: dict[str, Draft] = {}
    for shelf in _shelves(pop, entry, sections, problems):
        for draft in derived(shelf):
            first = found.setdefault(draft.name, draft)
            if first is not draft:
                problems.append(twice(f"host {draft.name}", draft.place, first.place))
                break
    return found


def _shelves(pop: Pop, entry: Entry[PopSpec], sections: Sections, problems: list[Problem]) -> Iterator[Shelf]:
    """Yield the racks of a PoP that have a template and addresses enough, and complain about the others."""
    for key, spec in entry.spec.racks.items():
        own = entry.within(spec, "racks", key)
        template = sections.templates.get(spec.template)
        if template is None:
            if sections.is_whole:
                near = did_you_mean(spec.template, sections.templates)
                message = f"unknown rack template '{spec.template}'{near}"
                problems.append(Problem(message, own.place("template")))
            continue
        rack = Rack(f"{pop.name}-{key}", pop.name, spec.template, spec.addresses)
        shelf = Shelf(pop, entry, rack, own, template)
        lacking = lacking_addresses(shelf)
        if lacking:
            problems.append(Problem(lacking, own.place()))
        else:
            yield shelf


def _add_listed(found: dict[str, Draft], pop: Pop, entry: Entry[PopSpec], problems: list[Problem]) -> None:
    """Add the hosts written out; one that a rack has already is refined, and needs no address."""
    places = pop_places(entry)
    for name, spec in entry.spec.hosts.items():
        own = entry.within(spec, "hosts", name)
        draft = found.get(name) or _bare(name, pop, entry, own.place(), places)
        if not draft.address and spec.address is None:
            near = did_you_mean(name, found)
            problems.append(Problem(f"host {name} is in no rack and has no address{near}", own.place()))
        if spec.rack and spec.rack not in entry.spec.racks:
            near = did_you_mean(spec.rack, entry.spec.racks)
            problems.append(Problem(f"{pop.name} has no rack '{spec.rack}'{near}", own.place("rack")))
        found[name] = _refined(draft, own)


def _bare(name: str, pop: Pop, entry: Entry[PopSpec], place: Place, places: dict[str, Place]) -> Draft:
    """Return a host that is in no rack, with nothing but what its PoP gives it, written at `places`."""
    return Draft(name, "", pop, "", "gpu", "", dict(pop.labels), None, (entry,), places, place)


def _refined(draft: Draft, own: Entry[HostSpec]) -> Draft:
    """Return the draft with what the host's own entry says."""
    spec = own.spec
    written = {
        name: own.place(name)
        for name in ("address", "role", "hardware", "rack", "host_key")
        if getattr(spec, name) is not None
    }
    written |= {f"labels.{name}": own.place("labels", name) for name in spec.labels}
    return dataclasses.replace(
        draft,
        address=spec.address or draft.address,
        rack=f"{draft.pop.name}-{spec.rack}" if spec.rack else draft.rack,
        role=spec.role or draft.role,
        hardware=spec.hardware or draft.hardware,
        labels={**draft.labels, **spec.labels},
        host_key=spec.host_key,
        layers=(*draft.layers, own),
        places={**draft.places, **written},
        place=own.place(),
    )
