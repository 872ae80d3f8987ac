"""Inventory files → `Fleet`, if everything is right; else everything wrong is told at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgectl.errors import InputError, Place, Problem
from edgectl.inventory.checks import RESERVED_NAMES, check, in_reading_order
from edgectl.inventory.fold import natural_key
from edgectl.inventory.groups import memberships
from edgectl.inventory.hosts import drafts, racks
from edgectl.inventory.layers import Settings, Settled, settings, settle
from edgectl.inventory.memory import collector_paused
from edgectl.inventory.model import Fleet, Host, Pop, Window, known_hosts
from edgectl.inventory.racks import Draft
from edgectl.inventory.schema import Layer, PopSpec, WindowSpec
from edgectl.inventory.sections import Entry, Sections, read


@dataclass(frozen=True, slots=True)
class Loaded:
    """A fleet, and the files that say so with the digests of what they held."""

    fleet: Fleet
    digests: Mapping[Path, str]


def load(
    source: Path, *, hardware: Collection[str] = (), reserved: Collection[str] = RESERVED_NAMES
) -> Fleet:
    """Return the fleet that a folder of YAML files, or one file, describes.

    `hardware` holds the names the catalog knows (empty: any will do), `reserved` the words no PoP, group or
    host may be called. `InputError` carries every problem of every file, in the files' order.
    """
    return load_files(source, hardware=hardware, reserved=reserved).fleet


def load_files(
    source: Path, *, hardware: Collection[str] = (), reserved: Collection[str] = RESERVED_NAMES
) -> Loaded:
    """Return the same as `load`, with the files it was read from."""
    with collector_paused():
        return _load(source, hardware, reserved)


def _load(source: Path, hardware: Collection[str], reserved: Collection[str]) -> Loaded:
    problems: list[Problem] = []
    sections = read(source, problems)
    pops = {name: _pop(name, sections.pops[name].spec) for name in sorted(sections.pops, key=natural_key)}
    found = drafts(sections, pops, problems)
    groups = memberships(sections, *_lookup(found), problems)
    hosts = {host.name: host for host in _hosts(found, groups, sections)}
    check(sections, found, hosts, hardware=hardware, reserved=reserved, problems=problems)
    if problems:
        raise InputError(sorted(problems, key=_order), hint="edgectl inventory check")
    fleet = Fleet(
        hosts=hosts,
        pops=pops,
        racks=racks(sections),
        groups={name: sections.groups[name].spec.hosts for name in groups},
        source=source,
        known_hosts=known_hosts(source),
    )
    return Loaded(fleet, sections.digests)


def _order(problem: Problem) -> tuple[str, int, int]:
    return in_reading_order(problem.place or Place(Path()))


def _pop(name: str, spec: PopSpec) -> Pop:
    window = window_of(spec.window) if spec.window else None
    return Pop(name, spec.metro, spec.region, spec.country, spec.tz, spec.state, window, spec.labels)


def window_of(spec: WindowSpec) -> Window:
    """Return a window as it was written."""
    return Window(tuple(spec.days), dt.time.fromisoformat(spec.start), spec.hours)


def _lookup(found: Iterable[Draft]) -> tuple[dict[str, Draft], set[str]]:
    """Return the drafts by name, and the PoPs and racks that have some."""
    hosts: dict[str, Draft] = {}
    places: set[str] = set()
    for draft in found:
        hosts[draft.name] = draft
        places.update((draft.pop.name, draft.rack))
    return hosts, places - {""}


def _hosts(found: Iterable[Draft], groups: Mapping[str, set[str]], sections: Sections) -> Iterator[Host]:
    """Yield the finished hosts; those with the same levels share one settlement, as 80,000 would be slow."""
    levels = _Levels(sections)
    for draft in found:
        mine = tuple([name for name, members in groups.items() if draft.name in members])
        settled, origins = levels.settled(draft, mine)
        yield Host(
            draft.name,
            draft.address,
            draft.pop,
            draft.rack,
            draft.role,
            draft.hardware,
            draft.labels,
            settled.vars,
            settled.ssh,
            draft.host_key,
            mine,
            origins,
        )


class _Levels:
    """Remembers what each level sets and what each combination of levels comes to.

    Entries are known by identity: all of them live as long as the sections do.
    """

    def __init__(self, sections: Sections) -> None:
        self._groups = sections.groups
        self._defaults = [settings(entry) for entry in sections.defaults]
        self._settings: dict[int, Settings] = {}
        self._settled: dict[tuple[int, ...], Settled] = {}
        self._known: dict[tuple[object, ...], tuple[Settled, dict[str, Place]]] = {}

    def settled(self, draft: Draft, groups: tuple[str, ...]) -> tuple[Settled, dict[str, Place]]:
        key = (groups, id(draft.places))
        known = self._known.get(key)
        if known is None:
            settled = self._of_all([*(self._groups[group] for group in groups), *draft.layers])
            known = self._known[key] = (settled, {**draft.places, **settled.origins})
        return known

    def _of_all(self, layers: Iterable[Entry[Layer]]) -> Settled:
        """Settle levels; those that set nothing make no difference, and most hosts set nothing."""
        setting = [found for found in map(self._of, layers) if found]
        key = tuple(map(id, setting))
        if key not in self._settled:
            self._settled[key] = settle([*self._defaults, *setting])
        return self._settled[key]

    def _of(self, layer: Entry[Layer]) -> Settings:
        found = self._settings.get(id(layer))
        if found is None:
            found = self._settings[id(layer)] = settings(layer)
        return found
