"""Signs of life: the controller tells a host at work from a lost line by hearing from it every few seconds."""

from __future__ import annotations

import time

from edgectl.remote.lean import Callable
from edgectl.remote.protocol import HEARTBEAT_S


def wait(seconds: float, on_beat: Callable[[float], None]) -> None:
    """Sleep, with a sign of life every few seconds."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, HEARTBEAT_S))
        on_beat(0.0)
