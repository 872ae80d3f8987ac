"""A worker's side: it asks for a host wherever it has room, begins what it is given, and tells what it hears."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.ports import Connector, HostWork, Pause
from edgectl.pools.door import Door
from edgectl.pools.lines import Lines


@dataclass(frozen=True, slots=True)
class Asked:
    """A worker has room for one more host. It asks again only when it was given one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened at a worker's hosts, in order."""

    events: Sequence[RunEvent]


Word = Asked | Heard


class Shift:
    """Works on the hosts that it is given, until it is told to stop."""

    def __init__(self, connector: Connector, clock: Clock, width: int, tell: Callable[[Word], None]) -> None:
        self._lines = Lines(connector, clock, width)
        self._door = Door(self._lines, self._ask, clock)
        self._tell = tell
        self._given: queue.SimpleQueue[HostWork] = queue.SimpleQueue()
        self._has_asked = False
        self._is_over = False

    def give(self, work: HostWork) -> None:
        """Begin a host as soon as may be; from any thread."""
        self._given.put(work)
        self._lines.nudge()

    def stop(self) -> None:
        """End `serve`; from any thread. What runs at hosts goes on there."""
        self._is_over = True
        self._lines.nudge()

    def serve(self) -> None:
        """Work until `stop`. Raises what `tell` raises."""
        while not self._is_over:
            self._begin_given()
            self._door.fill()
            events = self._lines.hear_all(self._door.wait_s())
            if events:
                self._tell(Heard(events))

    def _begin_given(self) -> None:
        # Whoever gives us a host has counted it as started: it must not wait here for a line.
        while not self._given.empty():
            self._has_asked = False
            self._door.admit(self._given.get())

    def _ask(self) -> Pause:
        if not self._has_asked:
            self._has_asked = True
            self._tell(Asked())
        return Pause(math.inf)
