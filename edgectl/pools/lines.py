"""Lines to hosts: threads that visit them. A host that is away or busy holds none meanwhile.

Nor does one that works on by itself, beyond so many lines that rest: an open line on which nothing happens but a sign
of life every five seconds takes 0.3 ms for each, a visit 10 ms, and every one of them about 0.2 MiB of memory.
"""

from __future__ import annotations

import heapq
import itertools
import math
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.host_run import HostRun
from edgectl.engine.ports import Connector, HostWork

# paramiko adds one thread per connection; a small stack keeps thousands of them affordable.
_STACK_BYTES = 512 * 1024
# With 64 at work, 256 more may rest: about 64 MiB.
_RESTING_PER_LINE = 4
# `queue.get` takes no longer waits on every platform.
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Left:
    """A visit is over: the host is left alone for so many seconds, or has ended."""

    run: HostRun
    away_s: float | None
    was_resting: bool


@dataclass(frozen=True, slots=True)
class _Rested:
    """So many more lines rest, or fewer."""

    change: int


class Lines:
    """At most about `width` visits at once on which something happens, of any number of hosts.

    Four times as many are kept to hosts that work on by themselves. All but `nudge` belongs to one thread, that of
    the caller.
    """

    def __init__(self, connector: Connector, clock: Clock, width: int) -> None:
        self._busy = 0
        self._resting = 0
        self._connector = connector
        self._clock = clock
        self._width = width
        self._most_resting = _RESTING_PER_LINE * width
        self._inbox: queue.SimpleQueue[RunEvent | _Left | _Rested | None] = queue.SimpleQueue()
        self._away: list[tuple[float, int, HostRun]] = []
        self._numbers = itertools.count()
        self._are_wanted = False

    @property
    def in_flight(self) -> int:
        """Return how many hosts have begun and not ended, visited or not."""
        return self.open + len(self._away)

    @property
    def open(self) -> int:
        """Return how many lines there are, with those that rest."""
        return self._busy + self._resting

    def has_room(self) -> bool:
        """Tell whether a line is free."""
        return self._busy < self._width

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
        match heard:
            case _Left():
                self._take_back(heard)
                return None
            case _Rested(change):
                self._busy -= change
                self._resting += change
                return None
            case _:
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
        self._busy += 1

    def _listen(self, run: HostRun) -> None:
        line = _Line(self._may_rest, self._must_go, self._inbox.put)
        away_s = run.visit(line)
        self._inbox.put(_Left(run, away_s, line.rests))

    def _may_rest(self) -> bool:
        return self._resting < self._most_resting

    def _must_go(self) -> bool:
        return self._are_wanted

    def _take_back(self, left: _Left) -> None:
        if left.was_resting:
            self._resting -= 1
        else:
            self._busy -= 1
        if left.away_s is not None:
            due = self._clock.monotonic() + left.away_s
            heapq.heappush(self._away, (due, next(self._numbers), left.run))


class _Line:
    """The line of one visit, in the thread of that visit; see `engine.host_run.Line`."""

    def __init__(
        self, may_rest: Callable[[], bool], must_go: Callable[[], bool], tell: Callable[[_Rested], None]
    ) -> None:
        self._may_rest = may_rest
        self._must_go = must_go
        self._tell = tell
        self.rests = False

    def rest(self) -> bool:
        """Rest where there is room for it; else stay until others wait."""
        if not self.rests and self._may_rest():
            self.rests = True
            self._tell(_Rested(1))
        return self.rests or not self._must_go()

    def stir(self) -> None:
        """Take part in what is going on again, be there room for it or not."""
        if self.rests:
            self.rests = False
            self._tell(_Rested(-1))
