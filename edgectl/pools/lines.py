"""Lines to hosts: threads that visit them. A host that is away, busy or at work by itself holds none meanwhile."""

from __future__ import annotations

import heapq
import itertools
import math
import queue
import threading
from dataclasses import dataclass

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.host_run import HostRun
from edgectl.engine.ports import Connector, HostWork

# paramiko adds one thread per connection; a small stack keeps thousands of them affordable.
_STACK_BYTES = 512 * 1024
# `queue.get` takes no longer waits on every platform.
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Left:
    """A visit is over: the host is left alone for so many seconds, or has ended."""

    run: HostRun
    away_s: float | None


class Lines:
    """At most about `width` visits at once, of any number of hosts.

    All but `nudge` belongs to one thread, that of the caller.
    """

    def __init__(self, connector: Connector, clock: Clock, width: int) -> None:
        self.busy = 0
        self._connector = connector
        self._clock = clock
        self._width = width
        self._inbox: queue.SimpleQueue[RunEvent | _Left | None] = queue.SimpleQueue()
        self._away: list[tuple[float, int, HostRun]] = []
        self._numbers = itertools.count()
        self._are_wanted = False

    @property
    def in_flight(self) -> int:
        """Return how many hosts have begun and not ended, visited or not."""
        return self.busy + len(self._away)

    def has_room(self) -> bool:
        """Tell whether a line is free."""
        return self.busy < self._width

    def begin(self, work: HostWork) -> None:
        """Visit a host for the first time."""
        self._visit(HostRun(work, self._connector, self._clock, self._inbox.put))

    def has_due(self) -> bool:
        """Tell whether a host that was left alone is to be visited again now."""
        return bool(self._away) and self._away[0][0] <= self._clock.monotonic()

    def visit_due(self) -> None:
        """Visit the host again that has been due for longest."""
        _, _, run = heapq.heappop(self._away)
        self._visit(run)

    def due_in_s(self) -> float:
        """Return in how many seconds the next host is due that is not due yet; infinite where there is none."""
        now = self._clock.monotonic()
        return min((due - now for due, _, _ in self._away[:1] if due > now), default=math.inf)

    def want(self, *, wanted: bool) -> None:
        """Say whether others wait for a line: then hosts that work on by themselves are hung up on."""
        self._are_wanted = wanted

    def hear(self, at_most_s: float) -> RunEvent | None:
        """Wait for the next thing to happen, and return it where it is an event of a host."""
        try:
            heard = self._inbox.get(timeout=min(at_most_s, _LONGEST_S))
        except queue.Empty:
            return None
        if isinstance(heard, _Left):
            self.busy -= 1
            if heard.away_s is not None:
                due = self._clock.monotonic() + heard.away_s
                heapq.heappush(self._away, (due, next(self._numbers), heard.run))
            return None
        return heard

    def hear_all(self, at_most_s: float) -> list[RunEvent]:
        """Wait as `hear` does, and return all events that are there by then."""
        heard = [self.hear(at_most_s)]
        while not self._inbox.empty():
            heard.append(self.hear(0))
        return [event for event in heard if event is not None]

    def nudge(self) -> None:
        """Wake the thread that is in `hear`; from any thread."""
        self._inbox.put(None)

    def _visit(self, run: HostRun) -> None:
        before = threading.stack_size(_STACK_BYTES)
        try:
            threading.Thread(target=self._listen, args=(run,), name=f"host {run.host}", daemon=True).start()
        finally:
            threading.stack_size(before)
        self.busy += 1

    def _listen(self, run: HostRun) -> None:
        self._inbox.put(_Left(run, run.visit(lambda: self._are_wanted)))
