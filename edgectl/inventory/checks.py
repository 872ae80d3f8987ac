"""What must hold across a whole inventory: names and addresses are there once, and hardware exists."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Collection, Iterable, Iterator, Mapping

from edgectl.complaints import did_you_mean
from edgectl.errors import Place, Problem
from edgectl.inventory.model import Bastion, Host
from edgectl.inventory.racks import Draft
from edgectl.inventory.sections import Sections, twice

# Words of the command line (`health explain`): a name that is one of them would be taken for it.
RESERVED_NAMES = frozenset(
    {
        "all",
        "apply",
        "attach",
        "bench",
        "cancel",
        "check",
        "compare",
        "demo",
        "deploy",
        "diff",
        "down",
        "drain",
        "exec",
        "explain",
        "fault",
        "fit",
        "gate",
        "generate",
        "health",
        "history",
        "import",
        "inventory",
        "lab",
        "list",
        "lock",
        "ping",
        "plan",
        "provision",
        "prune",
        "remediate",
        "resume",
        "rollback",
        "run",
        "runs",
        "scan",
        "schema",
        "search",
        "show",
        "status",
        "trust",
        "undrain",
        "up",
    }
)


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
    problems.extend(_names(sections, drafts, reserved))
    problems.extend(_addresses(drafts, hosts))
    problems.extend(_time_zones(sections))
    if hardware:
        problems.extend(_hardware(sections, hardware))


def _names(sections: Sections, drafts: Iterable[Draft], reserved: Collection[str]) -> Iterator[Problem]:
    """PoPs, racks, groups and hosts share one set of names, as a pattern cannot tell them apart."""
    seen: dict[str, tuple[str, Place]] = {}
    told: set[tuple[Place, Place]] = set()
    for kind, name, place in _named(sections, drafts):
        if name in reserved:
            yield Problem(f"a {kind} cannot be called '{name}', which is a word of the command line", place)
        first_kind, first = seen.setdefault(name, (kind, place))
        if (first_kind, first) == (kind, place) or (place, first) in told:
            continue
        told.add((place, first))
        if kind == first_kind:
            yield twice(f"{kind} {name}", place, first)
        else:
            yield Problem(
                f"{kind} {name} has the name of a {first_kind} ({first.path.name}:{first.line})", place
            )


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
        first = seen.setdefault((draft.address, ssh.port or 22, ssh.bastion), draft)
        place, first_place = (one.places.get("address", one.place) for one in (draft, first))
        if first is draft or not draft.address or first.name == draft.name or (place, first_place) in told:
            continue
        told.add((place, first_place))
        where = f"{first_place.path.name}:{first_place.line}"
        yield Problem(f"address {draft.address} of {draft.name} is {first.name}'s already ({where})", place)


def _time_zones(sections: Sections) -> Iterator[Problem]:
    known = _known_zones()
    for entry in sections.pops.values():
        if known and entry.spec.tz not in known:
            near = did_you_mean(entry.spec.tz, known)
            yield Problem(f"unknown time zone '{entry.spec.tz}'{near}", entry.place("tz"))


@functools.cache
def _known_zones() -> frozenset[str]:
    """Return the machine's time zones, none where it has no such data."""
    return frozenset(zoneinfo.available_timezones())


def _hardware(sections: Sections, known: Collection[str]) -> Iterator[Problem]:
    for template in sections.templates.values():
        for key in ("hardware", "dpu_hardware"):
            name = getattr(template.spec, key)
            if name not in known:
                yield Problem(f"unknown hardware '{name}'{did_you_mean(name, known)}", template.place(key))
    for pop in sections.pops.values():
        for host, spec in pop.spec.hosts.items():
            if spec.hardware and spec.hardware not in known:
                message = f"unknown hardware '{spec.hardware}'{did_you_mean(spec.hardware, known)}"
                yield Problem(message, pop.place("hosts", host, "hardware"))
