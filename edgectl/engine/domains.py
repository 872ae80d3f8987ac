"""Failure domains: what each can bear to have out of service at once, and what a host costs it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from edgectl.engine.policy import Rollout, floor_of
from edgectl.inventory.model import Host

_HOSTS = "hosts"


def domain_of(host: Host, spread: str) -> str:
    """Return the failure domain a host lies in, as people call it; a host without a metro has its PoP."""
    match spread:
        case "metro" if host.pop.metro:
            return f"metro {host.pop.metro}"
        case "region" if host.pop.region:
            return f"region {host.pop.region}"
        case "rack" if host.rack:
            return f"rack {host.rack} of {host.pop.name}"
        case _:
            return f"PoP {host.pop.name}"


@dataclass(frozen=True, slots=True)
class Domain:
    """One failure domain: how much it has, and how much of it may be out, in `unit` (GPUs, hosts, or a measure's).

    `allowed` is None where the rollout has no `max_out`.
    """

    name: str
    capacity: int
    allowed: int | None
    unit: str
    largest: int


@dataclass(frozen=True, slots=True)
class Domains:
    """All failure domains of a run. `gpus` has what a host counts for by its hardware's name: its GPUs, mostly."""

    by_name: Mapping[str, Domain]
    rollout: Rollout
    gpus: Mapping[str, int]

    def of(self, host: Host) -> str:
        """Return the name of a host's domain."""
        return domain_of(host, self.rollout.spread)

    def cost(self, host: Host) -> int:
        """Return what a host takes from its domain while it is out.

        A share is of GPUs. A host without any, such as a DPU, adds nothing to what a domain has, but work on
        it may take a node off the network: it costs as much as the domain's largest node. Where nobody has
        GPUs every host is 1, as it is where `max_out` is a number of hosts.
        """
        domain = self.by_name[self.of(host)]
        return (self.gpus.get(host.hardware, 0) or domain.largest) if domain.unit != _HOSTS else 1


def domains_of(hosts: Iterable[Host], rollout: Rollout, gpus: Mapping[str, int]) -> Domains:
    """Return the domains of the selected hosts, which are what percentages are of."""
    members: dict[str, list[int]] = defaultdict(list)
    for host in hosts:
        members[domain_of(host, rollout.spread)].append(gpus.get(host.hardware, 0))
    found = {name: _domain(name, counts, rollout) for name, counts in members.items()}
    return Domains(found, rollout, gpus)


def _domain(name: str, gpus: Sequence[int], rollout: Rollout) -> Domain:
    max_out, unit = rollout.max_out, rollout.measure.unit if rollout.measure else "GPUs"
    is_weighed = sum(gpus) > 0 and not isinstance(max_out, int)
    capacity = sum(gpus) if is_weighed else len(gpus)
    allowed = floor_of(max_out, capacity) if isinstance(max_out, float) else max_out
    return Domain(name, capacity, allowed, unit if is_weighed else _HOSTS, max(gpus) if is_weighed else 1)


def too_small(hosts: Sequence[Host], out: Sequence[Host], domains: Domains) -> list[str]:
    """Return a complaint for each domain whose `max_out` would never let one of its hosts start.

    `out` are hosts that are out of service already, whether they are selected or not.
    """
    if domains.rollout.max_out is None or domains.rollout.min_out > 0:
        return []
    room = Room(domains, out)
    dearest: dict[str, Host] = {}
    for host in hosts:
        name = domains.of(host)
        if room.cost(host) and (name not in dearest or room.cost(host) > room.cost(dearest[name])):
            dearest[name] = host
    blocked = {name: host for name, host in dearest.items() if not room.has_room(host)}
    return [_complaint(domains, domains.by_name[name], host, room) for name, host in blocked.items()]


def _complaint(domains: Domains, domain: Domain, host: Host, room: Room) -> str:
    share = domains.rollout.max_out
    said = f"{share:.6g}" if isinstance(share, int) else f"{(share or 0) * 100:.6g}%"
    budget = f"max_out: {said} of {domain.name} ({domain.allowed} of {domain.capacity} {domain.unit})"
    already = room.used(domain.name)
    if already:
        budget += f" with {already} out already"
    unit = domain.unit.removesuffix("s") if domains.cost(host) == 1 else domain.unit
    cost = f"{domains.cost(host)} {unit}"
    return f"{budget} never lets {host.name} ({cost}) start: write a larger share or `min: 1`"


@dataclass(slots=True)
class Room:
    """An account of what is out in each domain right now; a host is counted once, whatever put it out."""

    domains: Domains
    out: Sequence[Host]
    _used: dict[str, int] = field(init=False)
    _held: dict[str, int] = field(init=False)
    _away: frozenset[str] = field(init=False)
    _taken: set[str] = field(init=False)

    def __post_init__(self) -> None:
        """Count the hosts that are out before the run begins."""
        self._used = defaultdict(int)
        self._held = defaultdict(int)
        self._taken = set()
        self._away = frozenset(host.name for host in self.out)
        for host in {host.name: host for host in self.out}.values():
            if self.domains.of(host) in self.domains.by_name:
                self._used[self.domains.of(host)] += self.domains.cost(host)

    def used(self, domain: str) -> int:
        """Return how much of a domain is out."""
        return self._used[domain]

    def cost(self, host: Host) -> int:
        """Return what starting a host would add: nothing where it is out already."""
        is_out = host.name in self._away or host.name in self._taken
        return 0 if is_out else self.domains.cost(host)

    def has_room(self, host: Host) -> bool:
        """Tell whether a host may be taken out of service now."""
        name = self.domains.of(host)
        allowed = self.domains.by_name[name].allowed
        cost = self.cost(host)
        if allowed is None or cost == 0:
            return True
        return self._used[name] + cost <= allowed or self._held[name] < self.domains.rollout.min_out

    def take(self, host: Host) -> None:
        """Count a host as out."""
        name, cost = self.domains.of(host), self.cost(host)
        if cost:
            self._used[name] += cost
            self._held[name] += 1
            self._taken.add(host.name)

    def give(self, host: Host) -> None:
        """Count a host as back in service; one that was out before the run stays out."""
        if host.name in self._taken:
            self._taken.remove(host.name)
            name = self.domains.of(host)
            self._used[name] -= self.domains.cost(host)
            self._held[name] -= 1
