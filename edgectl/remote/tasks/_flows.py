"""Requests in flight at an engine: the kernel's own count of connections to its port, whichever proxy holds them."""

from __future__ import annotations

import time

from edgectl.remote import files
from edgectl.remote.lean import Callable, NamedTuple

_ESTABLISHED = "01"
_STEP_S = 0.1
# A request that was given to the engine a moment ago may not have its connection yet.
_QUIET_S = 0.5
_FILES = ("/proc/net/tcp", "/proc/net/tcp6")


class Drained(NamedTuple):
    """How a drain ended: how many were in flight when it began, how many of them were cut, how long it took."""

    streams: int
    cut: int
    seconds: float


def to_port(port: int, tables: list[str]) -> int:
    """Count the connections that somebody of this host holds to a port of it, in the kernel's tables."""
    wanted = f":{port:04X}"
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return sum(row[3] == _ESTABLISHED and row[2].endswith(wanted) for row in rows)


def in_flight(port: int) -> int:
    """Count the connections to a port of this host now."""
    tables = [files.read(path) or b"" for path in _FILES]
    return to_port(port, [table.decode("ascii") for table in tables])


def drain(port: int, deadline_s: float, count: Callable[[int], int] = in_flight) -> Drained:
    """Wait until an engine that gets no new requests has ended those it has, at most until the deadline."""
    began = time.monotonic()
    streams = left = count(port)
    quiet_since = began
    while True:
        now = time.monotonic()
        if left:
            quiet_since = now
        elif now - quiet_since >= _QUIET_S:
            return Drained(streams, 0, round(now - began, 3))
        if now - began >= deadline_s:
            return Drained(streams, left, round(now - began, 3))
        time.sleep(_STEP_S)
        left = count(port)
        streams = max(streams, left)
