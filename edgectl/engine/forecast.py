"""What a run will take, before it begins: its own schedule, played through with a clock that is not waited for."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from edgectl.engine.outcome import HostStatus
from edgectl.engine.schedule import Begin, Done, Moment, Prove, Schedule, Setting, Start, Stop, Wait
from edgectl.inventory.model import Host


@dataclass(frozen=True, slots=True)
class Peak:
    """The most of a failure domain that is out of service at one time, of its `capacity` in `unit`."""

    domain: str
    out: int
    capacity: int
    unit: str

    @property
    def share(self) -> float:
        """Return it as a share."""
        return self.out / self.capacity if self.capacity else 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a run takes if every host ends well, and what is out meanwhile, the largest share first."""

    seconds: float
    peaks: Sequence[Peak]


def forecast(
    hosts: Sequence[Host], setting: Setting, seconds: Mapping[str, float], now: datetime
) -> Forecast:
    """Play a schedule through. `seconds` are each host's; one that has none takes no time and is never out."""
    playing = _Playing(Schedule(hosts, setting), setting, seconds, now)
    return playing.played()


class _Playing:
    def __init__(
        self, schedule: Schedule, setting: Setting, seconds: Mapping[str, float], now: datetime
    ) -> None:
        self._schedule = schedule
        self._domains = setting.domains
        self._seconds = seconds
        self._now = now
        self._s = 0.0
        self._running: list[tuple[float, str, Host]] = []
        self._out: Counter[str] = Counter()
        self._most: Counter[str] = Counter()

    def played(self) -> Forecast:
        while self._goes_on():
            pass
        known = self._domains.by_name
        peaks = [
            Peak(name, out, known[name].capacity, known[name].unit) for name, out in self._most.items() if out
        ]
        return Forecast(self._s, sorted(peaks, key=lambda peak: (-peak.share, peak.domain)))

    def _goes_on(self) -> bool:
        answer = self._schedule.next(Moment(self._now + timedelta(seconds=self._s), self._s))
        match answer:
            case Begin():
                return True
            case Start():
                self._start(answer.host)
                return True
            case Wait():
                return self._wait(answer.seconds)
            case Prove():
                self._schedule.proved()
                return True
            case Done() | Stop():
                return False
            case _:
                assert_never(answer)

    def _start(self, host: Host) -> None:
        self._schedule.started(host.name)
        takes_s = self._seconds.get(host.name, 0.0)
        heapq.heappush(self._running, (self._s + takes_s, host.name, host))
        if takes_s:
            self._count(host, self._domains.cost(host))

    def _count(self, host: Host, cost: int) -> None:
        name = self._domains.of(host)
        self._out[name] += cost
        self._most[name] = max(self._most[name], self._out[name])

    def _wait(self, seconds: float | None) -> bool:
        """Go on to when a host ends, or to when the schedule wants to be asked again, whichever comes first."""
        wake_s = None if seconds is None else self._s + seconds
        if self._running and (wake_s is None or self._running[0][0] <= wake_s):
            self._s, _, host = heapq.heappop(self._running)
            self._schedule.ended(host.name, HostStatus.OK)
            if self._seconds.get(host.name):
                self._count(host, -self._domains.cost(host))
            return True
        if wake_s is None:
            return False
        self._s = wake_s
        return True
