"""One thread that waits for descriptors, timers and ended children."""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

Callback = Callable[[], None]


@dataclass(order=True, slots=True)
class Timer:
    """A call that is due at a moment of the monotonic clock, unless cancelled."""

    due: float
    number: int
    call: Callback = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Take the call back."""
        self.cancelled = True


class Loop:
    """Runs callbacks, one at a time, until `stop`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[Timer] = []
        self._numbers = count()
        self._children: dict[int, Callable[[int], None]] = {}
        self._running = True
        self._wake_on_child()

    def _wake_on_child(self) -> None:
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self.watch(reader, lambda: _drain(reader))

    def watch(self, descriptor: int, call: Callback) -> None:
        """Call `call` whenever `descriptor` can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, call)

    def unwatch(self, descriptor: int) -> None:
        """Forget a watched descriptor; it stays open."""
        self._selector.unregister(descriptor)

    def later(self, seconds: float, call: Callback) -> Timer:
        """Call `call` once, `seconds` from now."""
        timer = Timer(time.monotonic() + seconds, next(self._numbers), call)
        heapq.heappush(self._timers, timer)
        return timer

    def on_exit(self, process: int, call: Callable[[int], None]) -> None:
        """Call `call` with the wait status when child `process` has ended."""
        self._children[process] = call

    def stop(self) -> None:
        """Return from `run` after the current callback."""
        self._running = False

    def run(self) -> None:
        """Wait and call, until `stop`."""
        while self._running:
            for key, _ in self._selector.select(self._seconds_to_next_timer()):
                key.data()
            self._reap()
            self._run_due_timers()

    def _seconds_to_next_timer(self) -> float | None:
        return max(0.0, self._timers[0].due - time.monotonic()) if self._timers else None

    def _run_due_timers(self) -> None:
        while self._timers and self._timers[0].due <= time.monotonic():
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.call()

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            self._children.pop(process, _ignore)(status)


def _drain(descriptor: int) -> None:
    os.read(descriptor, 4096)


def _ignore(_status: int) -> None:
    """An orphan that only PID 1 had left to reap."""
