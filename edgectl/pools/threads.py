"""Hosts worked on by threads of this process: right for a handful up to a few hundred at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

from edgectl.clock import Clock
from edgectl.engine.events import HostEnded, RunEvent
from edgectl.engine.host_run import run_host
from edgectl.engine.ports import Connector, HostWork

# paramiko adds one thread per connection; a small stack keeps thousands of them affordable.
_STACK_BYTES = 512 * 1024


class ThreadPool:
    """A sliding window of `width` hosts, each on a thread of its own."""

    def __init__(self, connector: Connector, clock: Clock, width: int) -> None:
        self._connector = connector
        self._clock = clock
        self._width = width

    def run(self, work: Iterable[HostWork], on_event: Callable[[RunEvent], None]) -> None:
        """Work until `work` is exhausted; see `HostPool`."""
        events: queue.SimpleQueue[RunEvent] = queue.SimpleQueue()
        waiting = iter(work)
        running = sum(self._start(waiting, events) for _ in range(self._width))
        while running:
            event = events.get()
            on_event(event)
            if isinstance(event, HostEnded):
                running += self._start(waiting, events) - 1

    def _start(self, waiting: Iterator[HostWork], events: queue.SimpleQueue[RunEvent]) -> int:
        """Start the next host, if there is one, and return how many were started."""
        work = next(waiting, None)
        if work is None:
            return 0
        before = threading.stack_size(_STACK_BYTES)
        try:
            name = f"host {work.host.name}"
            arguments = (work, self._connector, self._clock, events.put)
            threading.Thread(target=run_host, args=arguments, name=name, daemon=True).start()
        finally:
            threading.stack_size(before)
        return 1
