"""A rollout over many sites on a clock turned by hand: hosts that end by chance, and what happened when."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from edgectl.engine.domains import domains_of, too_small
from edgectl.engine.outcome import HostStatus
from edgectl.engine.policy import Rollout
from edgectl.engine.schedule import Begin, Done, Moment, Prove, Schedule, Setting, Start, Stop, Wait
from edgectl.inventory.generate import metros
from edgectl.inventory.model import Host, Pop, PopState, Weekday, Window
from tests import overseer
from tests.fakes.fleet import a_host

GPUS = {"rtx-8": 8, "rtx-4": 4, "l4-2": 2, "dpu": 0}
# What one host's work is said to take at most.
NEEDS = timedelta(minutes=20)
# The clocks change on October 25 and March 29 in Europe, on November 1 and March 8 in North America.
STARTS = (datetime(2026, 10, 23, 9, tzinfo=UTC), datetime(2026, 3, 6, 18, tzinfo=UTC))
WELL = (HostStatus.OK, HostStatus.CHANGED)
TRIES = 4


def chance_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation has to be repeatable


def a_fleet(sites: int, seed: int, among: int | None = None) -> list[Host]:
    """Return a fleet of many PoPs per metro, each with a few hosts of its own kind, some with a DPU."""
    chance = chance_of(seed)
    table = metros()[:among]
    hosts: list[Host] = []
    for number, metro in enumerate(chance.choices(table, [metro.weight for metro in table], k=sites)):
        state = PopState.MAINTENANCE if chance.random() < 0.01 else PopState.LIVE
        name = f"{metro.metro.lower()}{number}"
        pop = Pop(name, metro.metro, metro.region, metro.country, metro.tz, state, _a_window(chance), {})
        kind = chance.choice(["rtx-8", "rtx-4", "l4-2"])
        kinds = [kind] * chance.randint(1, 4) + ["dpu"] * (chance.random() < 0.2)
        hosts += [
            replace(a_host(f"{name}-n{place}", pop=pop), hardware=hardware)
            for place, hardware in enumerate(kinds)
        ]
    return hosts


def _a_window(chance: random.Random) -> Window | None:
    if chance.random() < 0.1:
        return None
    days = chance.sample(list(Weekday), chance.randint(3, 7))
    start = dt.time(chance.choice([0, 1, 2, 3, 22, 23]), chance.choice([0, 15, 30]))
    return Window(tuple(days), start, chance.choice([1.0, 2.0, 4.0, 6.5]))


def live(hosts: Sequence[Host]) -> list[Host]:
    return [host for host in hosts if host.pop.state is PopState.LIVE]


def in_maintenance(hosts: Sequence[Host]) -> list[Host]:
    return [host for host in hosts if host.pop.state is PopState.MAINTENANCE]


def feasible(hosts: Sequence[Host], rollout: Rollout) -> list[Host]:
    """Leave out the metros that are too small for the budget; a plan would be refused for them."""
    domains = domains_of(live(hosts), rollout, GPUS)
    complaints = " ".join(too_small(live(hosts), in_maintenance(hosts), domains))
    return [host for host in hosts if f" metro {host.pop.metro} " not in complaints]


class Simulation:
    """Follows a schedule to its end. `failing` and `away` are the shares of tries that end so."""

    def __init__(
        self,
        hosts: Sequence[Host],
        rollout: Rollout,
        seed: int,
        *,
        failing: float = 0.0,
        away: float = 0.03,
        width: int = 256,
    ) -> None:
        self.fleet = overseer.Fleet(
            live(hosts), in_maintenance(hosts), {host.name: GPUS[host.hardware] for host in hosts}
        )
        self.rollout = rollout
        self.trips: list[overseer.Trip] = []
        self.begins: list[tuple[datetime, int]] = []  # of each wave, with the hosts of all waves before it
        self.failed: list[datetime] = []
        self.looks: list[tuple[datetime, int]] = []  # when nobody could start, and how many had until then
        self.ended: dict[str, HostStatus] = {}
        self.stopped = ""
        self._shares = (failing, away)
        self._width = width
        self._chance = chance_of(seed)
        self._begun = 0
        self._tries: Counter[str] = Counter()
        self._running: list[tuple[float, int, HostStatus]] = []
        self._start = STARTS[seed % len(STARTS)]
        self._s = 0.0
        setting = Setting(
            everyone=self.fleet.hosts,
            domains=domains_of(self.fleet.hosts, rollout, GPUS),
            rollout=rollout,
            out=self.fleet.out,
        )
        self._schedule = Schedule(self.fleet.hosts, setting)

    @property
    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._s)

    def run(self) -> Simulation:
        while True:
            if len(self._running) >= self._width:
                self._next_end()
                continue
            answer = self._schedule.next(Moment(self.now, self._s))
            match answer:
                case Begin():
                    self.begins.append((self.now, self._begun))
                    self._begun += answer.hosts
                case Start():
                    self._take(answer.host)
                case Wait():
                    self._pass_time(answer.seconds)
                case Stop():
                    self.stopped = answer.reason
                    return self
                case Done():
                    return self
                case Prove():
                    raise AssertionError("there is no gate")
                case _:
                    assert_never(answer)

    def _take(self, host: Host) -> None:
        self._schedule.started(host.name)
        self._tries[host.name] += 1
        ends_s = self._s + self._chance.uniform(20, NEEDS.total_seconds())
        heapq.heappush(self._running, (ends_s, len(self.trips), self._ending()))
        self.trips.append(overseer.Trip(host, self.now, datetime.max.replace(tzinfo=UTC), back=False))

    def _ending(self) -> HostStatus:
        failing, away = self._shares
        drawn = self._chance.random()
        if drawn < failing:
            return HostStatus.FAILED
        if drawn < failing + away:
            return self._chance.choice([HostStatus.UNREACHABLE, HostStatus.UNKNOWN])
        return self._chance.choice(WELL)

    def _pass_time(self, seconds: float | None) -> None:
        if self._chance.random() < 0.002:
            self.looks.append((self.now, len(self.trips)))
        if self._running and (seconds is None or self._running[0][0] <= self._s + seconds):
            self._next_end()
            return
        assert seconds is not None, "nobody runs, and nothing is waited for"
        self._s += seconds

    def _next_end(self) -> None:
        self._s, number, status = heapq.heappop(self._running)
        trip = replace(self.trips[number], ended=self.now, back=status in WELL)
        self.trips[number] = trip
        name = trip.host.name
        if status is HostStatus.FAILED:
            self.failed.append(self.now)
        if status in (*WELL, HostStatus.FAILED) or self._tries[name] == TRIES:
            self.ended[name] = status
            self._schedule.ended(name, status)
        else:
            self._schedule.deferred(name, status, self._s + self._chance.uniform(15, 3600))

    def wrongs(self, percent: int) -> list[str]:
        """Return what the overseer has to say, at most the first few."""
        found = itertools.chain(
            overseer.metros_over_budget(self.fleet, self.trips, percent, self.rollout.min_out),
            overseer.outside_windows(self.trips, NEEDS) if self.rollout.windowed else (),
            overseer.started_early(self.trips, self.begins),
        )
        return list(itertools.islice(found, 10))
