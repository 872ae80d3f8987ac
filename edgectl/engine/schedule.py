"""Which host may start now, and if none, until when: a state machine over values, asked at every event.

It knows no pool, no clock and no host but by name: it is told what started and how it ended, and answers with
one of a closed set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from edgectl.engine.budgets import reason_to_close, reason_to_stop
from edgectl.engine.domains import Domains, Room
from edgectl.engine.lanes import Lanes
from edgectl.engine.outcome import HostStatus
from edgectl.engine.policy import Rollout
from edgectl.engine.waves import Wave, waves_of
from edgectl.inventory.model import Host

WELL = frozenset({HostStatus.OK, HostStatus.CHANGED})
# A host that ended like this is out of service until somebody has looked at it.
OUT = frozenset({HostStatus.FAILED, HostStatus.UNREACHABLE, HostStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: `at` by the wall clock, for windows; `s` in seconds that never run backwards, for all else."""

    at: datetime
    s: float


@dataclass(frozen=True, slots=True)
class Begin:
    """A wave begins; `number` counts from 1, `hosts` are those of it that have no outcome yet."""

    number: int
    of: int
    hosts: int
    canary: bool


@dataclass(frozen=True, slots=True)
class Start:
    """This host may start now."""

    host: Host


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody may start now. `seconds` is None where only a host that ends can change that."""

    seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Prove:
    """A wave has ended and soaked: its gate has to pass these hosts before the next wave."""

    number: int
    hosts: Sequence[Host]


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody may start any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Every host has its outcome."""


Answer = Begin | Start | Wait | Prove | Stop | Done


@dataclass(frozen=True, slots=True)
class Setting:
    """What a schedule is about, beside its hosts: all that a budget counts.

    `ended` says how hosts of the whole run ended before, `done` which hosts are not to run again; `out` are
    hosts that are out of service already; `last` are started after all others and no canary if avoidable.
    """

    everyone: Sequence[Host]
    domains: Domains
    rollout: Rollout
    ended: Mapping[str, HostStatus] = field(default_factory=dict)
    done: Collection[str] = ()
    out: Sequence[Host] = ()
    last: Collection[str] = ()
    has_gate: bool = False


class Schedule:
    """One pass over hosts, wave by wave; inside a wave a host starts as soon as nothing speaks against it."""

    def __init__(self, hosts: Sequence[Host], setting: Setting) -> None:
        self._setting = setting
        self._rollout = setting.rollout
        self._domains = setting.domains
        self._hosts = {host.name: host for host in (*setting.everyone, *hosts)}
        self._waves = waves_of(hosts, setting.rollout, setting.last)
        self._number = 0  # of the wave that runs; 0 before the first
        self._status: dict[str, HostStatus] = dict(setting.ended)
        self._done = set(setting.done)
        self._running: set[str] = set()
        self._first: set[str] = set()  # hosts of this wave that run for the first time
        self._waiting = 0  # hosts of this wave that have not started
        self._deferred: set[str] = set()
        self._soaked_at: float | None = None
        self._is_proved = False
        self._stopped = ""
        self._totals = Counter(self._domains.of(host) for host in setting.everyone)
        self._counts: Counter[HostStatus] = Counter()
        self._domain_counts: dict[str, Counter[HostStatus]] = {name: Counter() for name in self._totals}
        self._room = Room(self._domains, setting.out)
        self._lanes = Lanes(self._domains, self._room, setting.rollout)
        for name, status in setting.ended.items():
            if status in OUT:
                self._room.take(self._hosts[name])
            self._count(self._hosts[name], status)

    def started(self, host: str) -> None:
        """Note that a host was started as the last answer said."""
        self._running.add(host)
        if host in self._deferred:
            self._deferred.remove(host)
        else:
            self._waiting -= 1
            self._first.add(host)
        self._room.take(self._hosts[host])

    def ended(self, host: str, status: HostStatus) -> None:
        """Note how a host ended, for good."""
        self._leave(host, status)
        self._done.add(host)
        self._count(self._hosts[host], status)

    def deferred(self, host: str, status: HostStatus, until_s: float) -> None:
        """Note that a host ended in a way that may pass: it starts again, at the earliest at `until_s`."""
        self._leave(host, status)
        self._deferred.add(host)
        self._lanes.defer(self._hosts[host], until_s)

    def proved(self) -> None:
        """Note that the gate passed the wave."""
        self._is_proved = True

    def next(self, now: Moment) -> Answer:
        """Return what may happen now; `Start` and `Begin` are said once and have to be followed."""
        if self._stopped:
            return Stop(self._stopped)
        if not self._waves:
            return Done()
        host = self._lanes.startable(now.at, now.s)
        if host is not None:
            return Start(host)
        if self._waiting or self._first:
            return self._until(None, now, self._lanes.reason())
        return self._between(now)

    def _leave(self, host: str, status: HostStatus) -> None:
        self._running.discard(host)
        self._first.discard(host)
        self._status[host] = status
        if status not in OUT:
            self._room.give(self._hosts[host])
        self._lanes.freed(self._domains.of(self._hosts[host]))

    def _count(self, host: Host, status: HostStatus) -> None:
        """Count an outcome, and what it stops: the run, or its own domain."""
        name = self._domains.of(host)
        counts = self._domain_counts[name]
        self._counts[status] += 1
        counts[status] += 1
        stopped = reason_to_stop(self._counts, len(self._setting.everyone), self._rollout)
        self._stopped = self._stopped or stopped
        closed = reason_to_close(counts, self._totals[name], self._rollout, name)
        if closed:
            self._lanes.close(name, closed)

    def _until(self, seconds: float | None, now: Moment, reason: str) -> Wait | Stop:
        """Wait for so long, for a window, for a host that is away or for one that runs; else nothing helps."""
        wake_s = self._lanes.next_wake_s(now.at, now.s)
        waits = [wait_s for wait_s in (seconds, wake_s) if wait_s is not None]
        if waits or self._running:
            return Wait(min(waits, default=None), reason)
        self._stopped = self._lanes.reason()
        return Stop(self._stopped)

    def _between(self, now: Moment) -> Answer:
        """Nobody of this wave runs for the first time, nobody waits: prove it, then begin the next one."""
        if self._number:
            unproved = self._unproved(self._waves[self._number - 1], now)
            if unproved is not None:
                return unproved
        return self._begin(now)

    def _unproved(self, wave: Wave, now: Moment) -> Answer | None:
        """Return what still has to happen before the wave may be followed by another one."""
        if wave.canary:
            ill = self._ill_canary(wave, now)
            if ill is not None:
                return ill
        if self._is_last() or self._has_begun(self._number):
            return None
        if self._soaked_at is None:
            self._soaked_at = now.s + self._rollout.soak_s
        if now.s < self._soaked_at:
            return self._until(self._soaked_at - now.s, now, f"wave {self._number} soaks")
        if self._setting.has_gate and not self._is_proved:
            well = [host for host in wave.hosts if self._status.get(host.name) in WELL]
            return Prove(self._number, well) if well else None
        return None

    def _ill_canary(self, wave: Wave, now: Moment) -> Answer | None:
        """A canary that did not end well stops the run, whatever the budgets bear; a deferred one holds it."""
        for host in wave.hosts:
            if host.name in self._deferred or host.name in self._running:
                return self._until(None, now, f"the canary {host.name} is {self._status[host.name]}")
            if self._status[host.name] not in WELL:
                self._stopped = f"the canary {host.name} ended as {self._status[host.name]}"
                return Stop(self._stopped)
        return None

    def _is_last(self) -> bool:
        """Tell whether nothing is to be proved any more, since no wave follows."""
        return self._number == len(self._waves) and not self._rollout.proves_last

    def _has_begun(self, number: int) -> bool:
        """Tell whether an earlier try of this run got as far as this wave: those before it were proved."""
        hosts = (host for wave in self._waves[number : number + 1] for host in wave.hosts)
        return any(host.name in self._setting.done for host in hosts)

    def _begin(self, now: Moment) -> Answer:
        if self._number == len(self._waves):
            if self._deferred or self._running:
                return self._until(None, now, "hosts that are away are tried again")
            return Done()
        wave = self._waves[self._number]
        fresh = [host for host in wave.hosts if host.name not in self._done]
        self._number += 1
        self._soaked_at, self._is_proved = None, False
        self._waiting = len(fresh)
        if not fresh:
            return self.next(now)
        self._lanes.add(fresh)
        return Begin(self._number, len(self._waves), len(fresh), wave.canary)
