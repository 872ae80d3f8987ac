"""Hosts whose one task goes on until something is the case, whether somebody listens or not."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator

from edgectl.clock import Clock
from edgectl.engine.ports import Timings
from edgectl.inventory.model import Host
from edgectl.remote.errands import Errand
from edgectl.remote.protocol import HEARTBEAT_S, Ended, Heartbeat, Message
from tests.fakes.connector import HELLO, began, done


class WorkingHosts:
    """The Connector port. A host ends once `is_done` is said of this; until then it gives signs of life."""

    def __init__(self, clock: Clock, is_done: Callable[[WorkingHosts], bool]) -> None:
        self.visits: Counter[str] = Counter()
        self.beats = 0
        self.most_at_once = 0
        self._at_once = 0
        self._clock = clock
        self._is_done = is_done
        self._lock = threading.Lock()

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> WorkingSession:
        del fresh, within_s
        with self._lock:
            self.visits[host.name] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        return WorkingSession(self)

    def close(self) -> None:
        pass

    def beat(self) -> bool:
        """Let the time between two signs of life pass; False where the task has ended."""
        if self._is_done(self):
            return False
        self._clock.sleep(HEARTBEAT_S)
        with self._lock:
            self.beats += 1
        return True

    def hung_up(self) -> None:
        with self._lock:
            self._at_once -= 1


class WorkingSession:
    """One visit: what was there before, signs of life, and the end if it comes."""

    def __init__(self, hosts: WorkingHosts) -> None:
        self.timings: Timings | None = None
        self._hosts = hosts

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        del errand, confirms
        yield HELLO
        if after < 1:
            yield began(1)
        while self._hosts.beat():
            yield Heartbeat(1, 0.0)
        yield done(2, status="changed")
        yield Ended("changed", seq=3)

    def close(self) -> None:
        self._hosts.hung_up()
