"""What `inventory list` and `inventory show` tell, as plain rows; how they look is the caller's business."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edgectl.errors import Place
from edgectl.inventory.fold import folded
from edgectl.inventory.model import Bastion, Fleet, Host


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
    """One line of `inventory list`: a PoP and how many of the selected hosts it has."""

    pop: str
    metro: str
    region: str
    country: str
    state: str
    nodes: int
    dpus: int
    hosts: str


def pop_rows(fleet: Fleet, hosts: Iterable[Host]) -> list[PopRow]:
    """Return a row for each PoP that has a selected host, in the fleet's order; `hosts` is folded."""
    by_pop: dict[str, list[Host]] = {}
    for host in hosts:
        by_pop.setdefault(host.pop.name, []).append(host)
    return [
        PopRow(
            pop=name,
            metro=pop.metro,
            region=pop.region,
            country=pop.country,
            state=pop.state.value,
            nodes=sum(host.role != "dpu" for host in by_pop[name]),
            dpus=sum(host.role == "dpu" for host in by_pop[name]),
            hosts=folded(host.name for host in by_pop[name]),
        )
        for name, pop in fleet.pops.items()
        if name in by_pop
    ]


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
