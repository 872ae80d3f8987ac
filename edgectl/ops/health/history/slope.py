"""A slope that a few odd days do not bend: Theil and Sen's, with its interval. Pure.

H. Theil, A rank-invariant method of linear and polynomial regression analysis (1950); P. K. Sen, Estimates of the
regression coefficient based on Kendall's tau (1968), for the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# 95 % of a normal distribution lie within so many standard deviations.
_Z = 1.96
_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Slope:
    """By how much a figure changes a day, and between which two values with 95 % confidence."""

    per_day: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Tell whether zero is outside the interval."""
        return self.low > 0 or self.high < 0


def theil_sen(points: Sequence[tuple[float, float]]) -> Slope | None:
    """Return the slope of points (day, figure), in the order of days; None of too few, or of one day alone."""
    slopes = sorted(
        (later - earlier) / (day - before)
        for number, (day, later) in enumerate(points)
        for before, earlier in points[:number]
        if day != before
    )
    if len(points) < _LEAST_POINTS or not slopes:
        return None
    wide = _Z * math.sqrt(len(points) * (len(points) - 1) * (2 * len(points) + 5) / 18)
    low, high = math.floor((len(slopes) - wide) / 2), math.ceil((len(slopes) + wide) / 2)
    return Slope(
        per_day=median(slopes),
        low=slopes[low] if low >= 0 else -math.inf,
        high=slopes[high] if high < len(slopes) else math.inf,
    )
