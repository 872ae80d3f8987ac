"""Hosts worked on by threads of this process: right for a handful up to a few hundred at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from edgectl.clock import Clock
from edgectl.engine.events import HostEnded, RunEvent
from edgectl.engine.host_run import run_host
from edgectl.engine.ports import Connector, HostWork, NextWork, Pause

# paramiko adds one thread per connection; a small stack keeps thousands of them affordable.
_STACK_BYTES = 512 * 1024


class ThreadPool:
    """A sliding window of `width` hosts, each on a thread of its own."""

    def __init__(self, connector: Connector, clock: Clock, width: int) -> None:
        self._connector = connector
        self._clock = clock
        self._width = width

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None]) -> None:
        """Work until `next_work` has said None and every host has ended; see `HostPool`."""
        events: queue.SimpleQueue[RunEvent] = queue.SimpleQueue()
        running = 0
        answer: HostWork | Pause | None = Pause(0)
        while running or answer is not None:
            while running < self._width and answer is not None:
                answer = next_work()
                if not isinstance(answer, HostWork):
                    break
                self._start(answer, events)
                running += 1
            if running:
                event = _next_event(events, answer)
                if event is not None:
                    on_event(event)
                    running -= isinstance(event, HostEnded)
            elif isinstance(answer, Pause):
                self._clock.sleep(answer.seconds)

    def _start(self, work: HostWork, events: queue.SimpleQueue[RunEvent]) -> None:
        before = threading.stack_size(_STACK_BYTES)
        try:
            name = f"host {work.host.name}"
            arguments = (work, self._connector, self._clock, events.put)
            threading.Thread(target=run_host, args=arguments, name=name, daemon=True).start()
        finally:
            threading.stack_size(before)


def _next_event(events: queue.SimpleQueue[RunEvent], answer: HostWork | Pause | None) -> RunEvent | None:
    """Wait for an event, and during a pause no longer than that."""
    try:
        return events.get(timeout=answer.seconds if isinstance(answer, Pause) else None)
    except queue.Empty:
        return None
