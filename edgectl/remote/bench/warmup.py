"""Requests before the measurement, which do not count: a fixed number, and then more until latencies are stable."""

from __future__ import annotations

import statistics
import time
from typing import Any, Mapping, Sequence

from edgectl.remote.bench.agenda import LoadAgenda, Streams
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.loop import NEVER_NS, Loop
from edgectl.remote.bench.request import Archive, Record
from edgectl.remote.bench.workload import Message, Workload

# Two windows in a row whose median latencies are this near to each other are called stable.
_NEAR = 0.1
_WINDOW = 5


class _Named:
    """The workload of a warm-up: requests of the usual size that are none of the load's."""

    think_ns = 0

    def __init__(self, workload: Workload) -> None:
        self._workload = workload

    def turns(self, _number: int) -> int:
        return 1

    def messages(self, _number: int, _turn: int) -> list[Message]:
        return []

    def request(self, number: int, _turn: int, _history: Sequence[Mapping[str, str]]) -> bytes:
        return self._workload.named(f"warm-up-{number}")


def warm_up(load: Load, workload: Workload, loop: Loop, number: int, of: int) -> dict[str, Any]:
    """Send this worker's part of the warm-up, on its connections; return how it went."""
    began = time.monotonic()
    streams = max(1, len(range(number, load.concurrency or 1, of)))
    named = _Named(workload)
    first = range(number, load.warmup_requests, of)
    records = _window(named, loop, first, streams)
    medians: list[float] = []
    at = load.warmup_requests + number
    while load.warmup_limit_s and not is_stable(medians) and time.monotonic() - began < load.warmup_limit_s:
        numbers = range(at, at + max(_WINDOW, streams) * of, of)
        at = numbers.stop
        window = _window(named, loop, numbers, streams)
        records += window
        medians.append(statistics.median(record.ended_ns - record.started_ns for record in window))
    return {
        "requests": len(records),
        "seconds": round(time.monotonic() - began, 3),
        "stable": is_stable(medians) if load.warmup_limit_s else None,
    }


def is_stable(medians: Sequence[float]) -> bool:
    """Tell whether the last two windows agree."""
    if len(medians) < 2:  # noqa: PLR2004 - two windows
        return False
    earlier, later = medians[-2:]
    return abs(later - earlier) <= _NEAR * earlier


def _window(named: _Named, loop: Loop, numbers: range, streams: int) -> list[Record]:
    archive = Archive()
    following = Streams(numbers, NEVER_NS)
    now_ns = time.monotonic_ns()
    loop.run(LoadAgenda(named, archive, following.arrivals([now_ns] * streams), following))
    return archive.records()
