"""One request outside of any load: what is asked before and after a measurement."""

from __future__ import annotations

import time

from edgectl.remote.bench.answer import Answer
from edgectl.remote.bench.connection import Route
from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.loop import NEVER_NS, Loop
from edgectl.remote.bench.request import Due, Sent
from edgectl.remote.bench.target import Target


class One:
    """An agenda of a single request, due at once."""

    def __init__(self, request: bytes) -> None:
        self._left: list[bytes] = [request]
        self.sent: Sent | None = None

    def next_ns(self) -> int:
        """See `Agenda`."""
        return 0 if self._left else NEVER_NS

    def prepare(self) -> None:
        """See `Agenda`."""

    def take(self) -> tuple[Due, bytes]:
        """See `Agenda`."""
        return Due(0, 0, time.monotonic_ns(), 0), self._left.pop()

    def over(self, sent: Sent) -> None:
        """See `Agenda`."""
        self.sent = sent


def exchange(target: Target, request: bytes, timeout_s: float) -> Answer:
    """Send one request on a connection of its own and return its answer. Raises `RequestFailed`."""
    loop = Loop(Route(target), timeout_s, _nobody_watches)
    try:
        one = One(request)
        loop.run(one)
    finally:
        loop.close()
    outcome = one.sent.outcome if one.sent else RequestFailed("connect", "nothing was sent")
    if isinstance(outcome, RequestFailed):
        raise outcome
    return outcome


def _nobody_watches() -> None:
    """A single request ends by its own timeout."""
