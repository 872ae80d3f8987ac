"""Hosts that wait to be started, grouped by what they wait for, so that each event costs next to nothing."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from edgectl.engine.domains import Domains, Room
from edgectl.engine.policy import Rollout
from edgectl.engine.windows import Interval, opening
from edgectl.inventory.model import Host, Pop

_Key = tuple[str, str, int]  # domain, PoP, cost: who has these in common may start at the same moments


@dataclass(slots=True)
class _Lane:
    hosts: deque[tuple[int, Host]] = field(default_factory=deque)
    is_queued: bool = False


class Lanes:
    """Hosts in the order they were added, each behind its domain's budget and its PoP's window.

    A lane is in exactly one place: among the ready, among those whose window is closed, among those whose
    domain is full, or empty and nowhere. Asking costs the logarithm of the number of lanes.
    """

    def __init__(self, domains: Domains, room: Room, rollout: Rollout) -> None:
        self._domains = domains
        self._room = room
        self._rollout = rollout
        self._lanes: dict[_Key, _Lane] = defaultdict(_Lane)
        self._ready: list[tuple[int, _Key]] = []
        self._shut: list[tuple[datetime, int, _Key]] = []
        self._full: dict[str, list[_Key]] = defaultdict(list)
        self._away: list[tuple[float, int, Host]] = []
        self._closed: dict[str, str] = {}
        self._open: dict[str, Interval] = {}
        self._never: dict[str, str] = {}
        self._count = 0

    def add(self, hosts: Iterable[Host]) -> None:
        """Let hosts wait, behind those that wait already."""
        for host in hosts:
            self._count += 1
            key = (self._domains.of(host), host.pop.name, self._room.cost(host))
            self._lanes[key].hosts.append((self._count, host))
            self._queue(key)

    def defer(self, host: Host, until_s: float) -> None:
        """Let a host wait, and not before `until_s`."""
        self._count += 1
        heapq.heappush(self._away, (until_s, self._count, host))

    def freed(self, domain: str) -> None:
        """Look again at a domain in which something has changed."""
        for key in self._full.pop(domain, []):
            self._lanes[key].is_queued = False
            self._queue(key)

    def close(self, domain: str, reason: str) -> None:
        """Start no more hosts of a domain."""
        self._closed[domain] = reason

    def startable(self, at: datetime, s: float) -> Host | None:
        """Take the first host that may start now out of its lane."""
        self._wake(at, s)
        while self._ready:
            _, key = heapq.heappop(self._ready)
            lane = self._lanes[key]
            lane.is_queued = False
            if not self._may_start(key, lane.hosts[0][1], at):
                continue
            _, host = lane.hosts.popleft()
            self._queue(key)
            return host
        return None

    def next_wake_s(self, at: datetime, s: float) -> float | None:
        """Return in how many seconds a window opens or a pause is over, or None where time changes nothing."""
        waits = [(self._shut[0][0] - at).total_seconds()] if self._shut else []
        waits += [self._away[0][0] - s] if self._away else []
        return max(0.0, min(waits)) if waits else None

    def reason(self) -> str:
        """Return in words what the first waiting hosts wait for: a time that will come, else what bars them."""
        if self._shut:
            opens, _, (_, pop, _) = self._shut[0]
            return f"the window of {pop} opens at {opens:%Y-%m-%d %H:%M} UTC"
        for domain, keys in self._full.items():
            if domain in self._closed:
                return self._closed[domain]
            never = next((self._never[pop] for _, pop, _ in keys if pop in self._never), "")
            return never or self._full_of(domain)
        return "hosts that are away are tried again"

    def _full_of(self, domain: str) -> str:
        found = self._domains.by_name[domain]
        used = self._room.used(domain)
        return f"{used} {found.unit} of {domain} are out, max_out allows {found.allowed} of {found.capacity}"

    def _queue(self, key: _Key) -> None:
        lane = self._lanes[key]
        if lane.hosts and not lane.is_queued:
            lane.is_queued = True
            heapq.heappush(self._ready, (lane.hosts[0][0], key))

    def _wake(self, at: datetime, s: float) -> None:
        while self._shut and self._shut[0][0] <= at:
            _, _, key = heapq.heappop(self._shut)
            self._lanes[key].is_queued = False
            self._queue(key)
        while self._away and self._away[0][0] <= s:
            _, _, host = heapq.heappop(self._away)
            self.add([host])

    def _may_start(self, key: _Key, host: Host, at: datetime) -> bool:
        """Tell whether a lane's first host may start; if not, put the lane where it will be looked at again."""
        domain = key[0]
        if domain in self._closed or not self._room.has_room(host):
            return self._park(key, domain)
        opens = self._opens_at(host.pop, at)
        if opens is None:
            return self._park(key, domain)
        if opens > at:
            self._lanes[key].is_queued = True
            heapq.heappush(self._shut, (opens, self._lanes[key].hosts[0][0], key))
            return False
        return True

    def _park(self, key: _Key, domain: str) -> bool:
        self._lanes[key].is_queued = True
        self._full[domain].append(key)
        return False

    def _opens_at(self, pop: Pop, at: datetime) -> datetime | None:
        """Return when a host of a PoP may start: now, later, or never. A PoP without a window is always open."""
        if not self._rollout.windowed or pop.window is None:
            return at
        found = self._open.get(pop.name)
        if found is None or (found.closes - at).total_seconds() < self._rollout.duration_s:
            found = opening(pop.window, pop.tz, at, self._rollout.duration_s)
            if found is None:
                self._never[pop.name] = f"the window of {pop.name} is too short for the work"
                return None
            self._open[pop.name] = found
        return max(found.opens, at)
