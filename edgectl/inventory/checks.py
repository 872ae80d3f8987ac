"""What must hold across a whole inventory: names and addresses are there once, and hardware exists."""

from __future__ import annotations

import difflib
import functools
import zoneinfo
from collections.abc import Collection, Iterable, Iterator, Mapping

from edgectl.complaints import did_you_mean
from edgectl.errors import Place, Problem
from edgectl.inventory.layers import settings
from edgectl.inventory.model import Bastion, Host
from edgectl.inventory.racks import Draft
from edgectl.inventory.sections import Sections, twice

# What may follow a command where a pattern may as well (`health explain`), and the word for every host.
RESERVED_NAMES = frozenset(
    {
        "all",
        "apply",
        "attach",
        "cancel",
        "check",
        "compare",
        "diff",
        "down",
        "drain",
        "explain",
        "fault",
        "fit",
        "fleet",
        "gate",
        "generate",
        "history",
        "import",
        "list",
        "lock",
        "plan",
        "prune",
        "remediate",
        "resume",
        "rollback",
        "run",
        "scan",
        "schema",
        "search",
        "show",
        "snooze",
        "snoozes",
        "status",
        "undrain",
        "unsnooze",
        "up",
    }
)
# All zones of a continent look alike; only a slip of a letter or two is a hint.
_NEAR_ZONE = 0.85


def check(
    sections: Sections,
    found: Iterable[Draft],
    hosts: Mapping[str, Host],
    *,
    hardware: Collection[str],
    reserved: Collection[str],
    problems: list[Problem],
) -> None:
    """Add a complaint for everything that is there twice, is called what it cannot be, or does not exist."""
    drafts = list(found)
    problems.extend(_defaults(sections))
    problems.extend(_names(sections, drafts, reserved))
    problems.extend(_addresses(drafts, hosts))
    problems.extend(_time_zones(sections))
    if hardware:
        problems.extend(_hardware(sections, hardware))


def in_reading_order(place: Place) -> tuple[str, int, int]:
    """Return the key that sorts places as a person reads the files."""
    return str(place.path), place.line, place.column


def _defaults(sections: Sections) -> Iterator[Problem]:
    """One default is set by one file: nobody could say which of two holds."""
    seen: dict[str, Place] = {}
    for entry in sections.defaults:
        for name, (_, place) in settings(entry).items():
            first = seen.setdefault(name, place)
            if first is not place:
                yield twice(f"default {name}", place, first)


def _names(sections: Sections, drafts: Iterable[Draft], reserved: Collection[str]) -> Iterator[Problem]:
    """PoPs, racks, groups and hosts share one set of names, as a pattern cannot tell them apart."""
    seen: dict[str, tuple[str, Place]] = {}
    told: set[tuple[Place, Place]] = set()
    for kind, name, place in _named(sections, drafts):
        if name in reserved:
            yield Problem(f"a {kind} cannot be called '{name}', which is a word of the command line", place)
        one = seen.setdefault(name, (kind, place))
        if one != (kind, place) and (place, one[1]) not in told:
            told.add((place, one[1]))
            yield _clash(name, one, (kind, place))


def _clash(name: str, one: tuple[str, Place], other: tuple[str, Place]) -> Problem:
    """Complain at the later of two places about one name."""
    (first_kind, first), (kind, place) = sorted((one, other), key=lambda named: in_reading_order(named[1]))
    if kind == first_kind:
        return twice(f"{kind} {name}", place, first)
    where = f"{first.path.name}:{first.line}"
    return Problem(f"{kind} {name} has the name of a {first_kind} ({where}); rename one", place)


def _named(sections: Sections, drafts: Iterable[Draft]) -> Iterator[tuple[str, str, Place]]:
    for name, group in sections.groups.items():
        yield "group", name, group.place()
    for name, pop in sections.pops.items():
        yield "PoP", name, pop.place()
        for key in pop.spec.racks:
            yield "rack", f"{name}-{key}", pop.place("racks", key)
    for draft in drafts:
        yield "host", draft.name, draft.place


def _addresses(drafts: Iterable[Draft], hosts: Mapping[str, Host]) -> Iterator[Problem]:
    """One address and port is one host; behind different bastions the same address is another one."""
    seen: dict[tuple[str, int, Bastion | None], Draft] = {}
    told: set[tuple[Place, Place]] = set()
    for draft in drafts:
        ssh = hosts[draft.name].ssh
        other = seen.setdefault((draft.address, ssh.port or 22, ssh.bastion), draft)
        if other is draft or other.name == draft.name or not draft.address:
            continue
        first, later = sorted((other, draft), key=lambda one: in_reading_order(_address_place(one)))
        if (_address_place(first), _address_place(later)) not in told:
            told.add((_address_place(first), _address_place(later)))
            yield _shared_address(first, later)


def _shared_address(first: Draft, later: Draft) -> Problem:
    place = _address_place(first)
    where = f"{place.path.name}:{place.line}"
    message = f"address {later.address} of {later.name} is {first.name}'s already ({where})"
    return Problem(message, _address_place(later))


def _address_place(draft: Draft) -> Place:
    return draft.places.get("address", draft.place)


def _time_zones(sections: Sections) -> Iterator[Problem]:
    known = _known_zones()
    for entry in sections.pops.values():
        zone = entry.spec.tz
        if known and zone not in known:
            yield Problem(f"unknown time zone '{zone}'; {_zone_wanted(zone)}", entry.place("tz"))


@functools.cache
def _zone_wanted(zone: str) -> str:
    """Say what may be meant; remembered, since the search takes milliseconds and a slip is often copied."""
    near = difflib.get_close_matches(zone, _known_zones(), n=1, cutoff=_NEAR_ZONE)
    return f"did you mean '{near[0]}'?" if near else "write an IANA name as Europe/Berlin"


@functools.cache
def _known_zones() -> frozenset[str]:
    """Return the machine's time zones, none where it has no such data."""
    return frozenset(zoneinfo.available_timezones())


def _hardware(sections: Sections, known: Collection[str]) -> Iterator[Problem]:
    @functools.cache  # a wrong name is often copied to thousands of hosts
    def unknown(name: str) -> str:
        return f"unknown hardware '{name}'{did_you_mean(name, known)}"

    for template in sections.templates.values():
        for key in ("hardware", "dpu_hardware") if template.spec.dpus else ("hardware",):
            name = getattr(template.spec, key)
            if name not in known:
                yield Problem(unknown(name), template.place(key))
    for pop in sections.pops.values():
        for host, spec in pop.spec.hosts.items():
            if spec.hardware and spec.hardware not in known:
                yield Problem(unknown(spec.hardware), pop.place("hosts", host, "hardware"))
