"""What a summary hides: how the latencies are distributed, and whether requests waited longer and longer."""

from __future__ import annotations

import math
from typing import Any, Sequence

from edgectl.remote.bench.metrics import METRICS
from edgectl.remote.bench.request import Record

_NS_PER_MS = 1_000_000
_NS = 1_000_000_000
_DRAWN = ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms")
_PERCENTS = (0, 1, 2, 5, *range(10, 91, 5), 92, 95, 97, 98, 99, 100)
_LEAST = 20
# A queue grows by as much each second as the offered rate is above what is served: 0.02 is 2 % too much.
_RISING_PER_S = 0.02
# The slope's t: by chance alone one of 700 is above it.
_SURE = 3.0


def quantiles(good: Sequence[Record]) -> dict[str, Any]:
    """Return the distributions of good requests to draw: values at `percents`, each of which a value takes."""
    found: dict[str, Any] = {"percents": list(_PERCENTS)}
    for metric in METRICS:
        if metric.name in _DRAWN:
            ordered = sorted(value for record in good for value in metric.values(record))
            found[metric.name] = (
                [
                    round(ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)], 3)
                    for percent in _PERCENTS
                ]
                if ordered
                else []
            )
    return found


def queue(good: Sequence[Record]) -> dict[str, Any]:
    """Return by how many seconds each second the wait for the first token grew, from when requests were due.

    `is_rising` where that is sure and more than 2 %; too few requests are never sure.
    """
    points = [
        (
            (record.scheduled_ns - good[0].scheduled_ns) / _NS,
            (record.first_content_ns - record.scheduled_ns) / _NS,
        )
        for record in good
        if record.first_content_ns is not None
    ]
    slope, error = _slope(points) if len(points) >= _LEAST else (0.0, math.inf)
    is_rising = slope > _RISING_PER_S and slope > _SURE * error
    return {"growth_s_per_s": round(slope, 6), "is_rising": is_rising}


def _slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope of the least squares, and its standard error."""
    count = len(points)
    mean_x = math.fsum(x for x, _ in points) / count
    mean_y = math.fsum(y for _, y in points) / count
    squares = math.fsum((x - mean_x) ** 2 for x, _ in points)
    if not squares:
        return 0.0, math.inf
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / squares
    rest = math.fsum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    return slope, math.sqrt(rest / (count - 2) / squares)
