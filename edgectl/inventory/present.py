"""What `inventory list` and `inventory show` tell, as plain rows; how they look is the caller's business."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from edgectl.errors import Place
from edgectl.inventory.fold import folded
from edgectl.inventory.model import Bastion, Fleet, Host, Pop


@dataclass(frozen=True, slots=True)
class Effective:
    """One value in force at a host; `place` is None where nobody wrote it and a default holds."""

    name: str
    value: object
    place: Place | None

    @property
    def origin(self) -> str:
        """Where the value was written, as `file:line`, or 'default'."""
        return f"{self.place.path}:{self.place.line}" if self.place else "default"

    @property
    def text(self) -> str:
        """The value on one line: text as it is, anything else as JSON."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)


def effective(host: Host) -> list[Effective]:
    """Return everything that is in force at a host, by dotted name, with where it was written."""
    return [Effective(name, value, host.origins.get(name)) for name, value in _values(host)]


def _values(host: Host) -> Iterator[tuple[str, object]]:
    yield from (("address", host.address), ("role", host.role), ("hardware", host.hardware))
    yield from (("pop", host.pop.name), ("rack", host.rack), ("groups", list(host.groups)))
    for name in ("metro", "region", "country", "tz"):
        yield name, getattr(host.pop, name)
    yield "state", host.pop.state.value
    if host.host_key:
        yield "host_key", host.host_key
    for name in ("user", "port", "key", "bastion"):
        value = getattr(host.ssh, name)
        yield f"ssh.{name}", dataclasses.asdict(value) if isinstance(value, Bastion) else value
    yield from ((f"labels.{name}", value) for name, value in sorted(host.labels.items()))
    yield from ((f"vars.{name}", value) for name, value in sorted(host.vars.items()))


@dataclass(frozen=True, slots=True)
class PopRow:
    """One line of `inventory list`: a PoP, or some that are alike, and how many of the selected hosts are there."""

    pop: str
    metro: str
    region: str
    country: str
    state: str
    nodes: int
    dpus: int
    hosts: str


def pop_rows(fleet: Fleet, names: Iterable[str]) -> list[PopRow]:
    """Return a row for each PoP that has one of these hosts, in the fleet's order; names are folded.

    Where those are more than fit on a screen or two, it is a row for all PoPs of a metro in the same state.
    """
    by_pop: dict[str, list[str]] = {}
    for name in names:
        by_pop.setdefault(fleet.kinds[name].pop.name, []).append(name)
    pops = [fleet.pops[name] for name in by_pop]
    rows = [[pop] for pop in pops] if len(pops) <= _ROWS else _alike(pops)
    return [_row(fleet, row, [host for pop in row for host in by_pop[pop.name]]) for row in rows]


_ROWS = 100


def _alike(pops: Iterable[Pop]) -> list[list[Pop]]:
    found: dict[tuple[str, ...], list[Pop]] = {}
    for pop in pops:
        found.setdefault((pop.metro, pop.region, pop.country, pop.state), []).append(pop)
    return list(found.values())


def _row(fleet: Fleet, pops: Sequence[Pop], hosts: Sequence[str]) -> PopRow:
    dpus = sum(fleet.kinds[host].role == "dpu" for host in hosts)
    return PopRow(
        pop=folded(pop.name for pop in pops),
        metro=pops[0].metro,
        region=pops[0].region,
        country=pops[0].country,
        state=pops[0].state.value,
        nodes=len(hosts) - dpus,
        dpus=dpus,
        hosts=folded(hosts),
    )


def host_rows(hosts: Iterable[Host]) -> list[dict[str, object]]:
    """Return one JSON object per host, with what other tools ask an inventory for."""
    return [
        {
            "host": host.name,
            "address": host.address,
            "pop": host.pop.name,
            "rack": host.rack,
            "role": host.role,
            "hardware": host.hardware,
            "metro": host.pop.metro,
            "region": host.pop.region,
            "country": host.pop.country,
            "state": host.pop.state.value,
            "groups": list(host.groups),
            "labels": dict(host.labels),
        }
        for host in hosts
    ]
