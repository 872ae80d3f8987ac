"""Means and percentiles of a sample, and nothing where the sample is too small to have them."""

from __future__ import annotations

import math
from typing import Sequence

_DIGITS = 3
_DOUBT = 0.05
_BUCKETS = 12


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return a percentile of an ascending sample by linear interpolation, or None where it cannot be known.

    The rank is (n - 1) * percent / 100, as numpy's default.
    """
    if not is_known(percent, len(ordered)):
        return None
    rank = (len(ordered) - 1) * percent / 100
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def is_known(percent: int, count: int) -> bool:
    """Tell whether a sample bears a percentile: its largest value is above it with 95 % confidence.

    That is (percent / 100) ** n <= 0.05, so that the sample bounds it at all: p50 from 5 values on, p90 from 29,
    p99 from 299.
    """
    return (percent / 100) ** count <= _DOUBT


def summary(values: Sequence[float]) -> dict[str, float | int | None]:
    """Return mean, p50, p90, p99 and n, in the unit of the values."""
    ordered = sorted(values)
    mean = math.fsum(ordered) / len(ordered) if ordered else None
    figures = {"mean": mean, **{f"p{percent}": percentile(ordered, percent) for percent in (50, 90, 99)}}
    rounded = {name: None if figure is None else round(figure, _DIGITS) for name, figure in figures.items()}
    return {**rounded, "n": len(ordered)}


def highest_known(figures: dict[str, float | int | None]) -> tuple[str, float]:
    """Return the highest percentile of a summary that the sample bears, else its mean; 0 where empty."""
    for name in ("p99", "p90", "p50", "mean"):
        figure = figures[name]
        if figure is not None:
            return name, float(figure)
    return "mean", 0.0


def histogram(values: Sequence[float]) -> dict[str, object]:
    """Return counts in buckets of equal width between the extremes of all but the slowest hundredth.

    What is above the last bucket counts in it.
    """
    if not values:
        return {"low": 0.0, "high": 0.0, "counts": []}
    ordered = sorted(values)
    low, high = ordered[0], ordered[math.ceil(0.99 * len(ordered)) - 1]
    counts = [0] * _BUCKETS
    for value in ordered:
        place = int((value - low) / (high - low) * _BUCKETS) if high > low else 0
        counts[min(place, _BUCKETS - 1)] += 1
    return {"low": round(low, _DIGITS), "high": round(high, _DIGITS), "counts": counts}
