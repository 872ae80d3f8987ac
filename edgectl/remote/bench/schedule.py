"""When requests are due in an open loop: decided before the first one, from a seed, and never adjusted.

Absolute times do not drift, and a slow server cannot delay the load that is to be put on it (coordinated
omission).
"""

from __future__ import annotations

import hashlib
import math
import random
from typing import Iterator, Sequence

from edgectl.remote.bench.load import Load

_NS = 1_000_000_000


def arrivals_ns(load: Load) -> list[int]:
    """Return when each request is due, in ns from the start, ascending; for a load with a rate or a trace."""
    due: list[int] = []
    for at_s in _moments_s(load):
        if load.requests is not None and len(due) == load.requests:
            break
        if load.span_s is not None and at_s >= load.span_s:
            break
        due.append(round(at_s * _NS))
    return due


def digest(offsets_ns: Sequence[int]) -> str:
    """Return what tells two schedules apart: the SHA-256 of all moments, a line each."""
    return hashlib.sha256("\n".join(map(str, offsets_ns)).encode()).hexdigest()


def _moments_s(load: Load) -> Iterator[float]:
    if load.trace:
        yield from (float(entry[0]) for entry in load.trace)
        return
    ramp_s = load.ramp_s
    full_s = 0.0  # what has passed at the full rate; the ramp stretches it, so that the rate rises evenly
    for gap_s in _gaps_s(load):
        yield math.sqrt(2 * ramp_s * full_s) if full_s < ramp_s / 2 else full_s + ramp_s / 2
        full_s += gap_s


def _gaps_s(load: Load) -> Iterator[float]:
    """Yield gaps with the mean 1/rate: constant, exponential (Poisson) or gamma with shape `burstiness`.

    The coefficient of variation is 0, 1 and 1/sqrt(burstiness). The first request is due at once.
    """
    rate = load.rate or 1.0
    chance = random.Random(f"{load.seed}/arrivals")  # noqa: S311 - reproducible on purpose
    while True:
        if load.arrivals == "constant":
            yield 1 / rate
        elif load.arrivals == "poisson":
            yield chance.expovariate(rate)
        else:
            yield chance.gammavariate(load.burstiness, 1 / (rate * load.burstiness))
