"""Hosts worked on by threads of this process: right for a handful up to a few hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.ports import Connector, HostWork, NextWork
from edgectl.pools.door import Door
from edgectl.pools.lines import Lines


class ThreadPool:
    """At most about `width` hosts are busy on their lines at once; any number of them may be at work."""

    def __init__(self, connector: Connector, clock: Clock, width: int) -> None:
        self._connector = connector
        self._clock = clock
        self._width = width

    def check(self, work: Iterable[HostWork]) -> None:
        """Take any work; see `HostPool`."""

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        """Work until `next_work` has said None and every host has ended; see `HostPool`."""
        del hosts
        lines = Lines(self._connector, self._clock, self._width)
        door = Door(lines, next_work, self._clock)
        while lines.in_flight or door.is_open:
            door.fill()
            if lines.open:
                event = lines.hear(door.wait_s())
                if event is not None:
                    on_event(event)
            elif lines.in_flight or door.is_open:
                self._clock.sleep(door.wait_s())
