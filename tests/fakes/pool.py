"""A pool without threads: one host after the other, in the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.host_run import run_host
from edgectl.engine.ports import Connector, HostWork, NextWork, Pause


class InlinePool:
    """The HostPool port in the simplest way that keeps its promises."""

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock

    def check(self, work: Iterable[HostWork]) -> None:
        pass

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        del hosts
        while (work := next_work()) is not None:
            if isinstance(work, Pause):
                self._clock.sleep(work.seconds)
            else:
                run_host(work, self._connector, self._clock, on_event)
