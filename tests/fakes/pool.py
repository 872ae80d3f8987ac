"""A pool without threads: one host after the other, in the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.host_run import run_host
from edgectl.engine.ports import Connector, HostWork


class InlinePool:
    """The HostPool port in the simplest way that keeps its promises."""

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock

    def run(self, work: Iterable[HostWork], on_event: Callable[[RunEvent], None]) -> None:
        for item in work:
            run_host(item, self._connector, self._clock, on_event)
