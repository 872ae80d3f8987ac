"""The highest rate at which the SLOs hold: which rate to try next, from what was seen so far. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_FACTOR = 2.0
# The rates that hold and that do not are at most so far apart at the end.
_PRECISION = 0.05
_MOST_POINTS = 24
# Below one request in a hundred seconds nobody serves anything.
_LEAST_RATE = 0.01


class Held(StrEnum):
    """What became of the SLOs at one rate."""

    MET = "met"
    MISSED = "missed"
    RISING = "queue rising"  # it would be missed, were one to wait
    CLIENT = "client-bound"  # nobody knows


@dataclass(frozen=True, slots=True)
class Tried:
    """One rate and how it went."""

    rate: float
    held: Held


@dataclass(frozen=True, slots=True)
class Found:
    """Between which rates the answer lies; `low` is None where no rate held, `high` where none failed."""

    low: float | None
    high: float | None
    is_over: bool


def next_rate(tried: Sequence[Tried], start: float) -> float | None:
    """Return the rate to try next, or None where the search is over.

    It doubles until a rate does not hold, halves until one does, then halves the gap between the two, by ratio.
    """
    if not tried:
        return start
    found = found_so_far(tried)
    if found.is_over:
        return None
    if found.high is None:
        return (found.low or start) * _FACTOR
    if found.low is None:
        return found.high / _FACTOR
    return math.sqrt(found.low * found.high)


def found_so_far(tried: Sequence[Tried]) -> Found:
    """Return what is known: a rate that held above one that did not was luck, and does not count.

    A rate that the client could not make ends the search upwards: what lies above it cannot be known from here.
    """
    high = min((one.rate for one in tried if one.held is not Held.MET), default=None)
    below = [one.rate for one in tried if one.held is Held.MET and (high is None or one.rate < high)]
    low = max(below, default=None)
    is_close = low is not None and high is not None and high / low <= 1 + _PRECISION
    is_hopeless = low is None and high is not None and high < _LEAST_RATE * _FACTOR
    return Found(low, high, is_close or is_hopeless or len(tried) >= _MOST_POINTS)


def requests_for(rate: float, duration_s: float, least: int) -> int:
    """Return how many requests a point takes: as long as was asked for, and at least so many."""
    return max(least, math.ceil(rate * duration_s))
