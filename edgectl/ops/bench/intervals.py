"""How sure a mean, or a change between two means, is across repeats. Pure.

Requests of one measurement are not independent of each other, so that an interval taken over them is too narrow;
repeats are what varies. Ratios are taken in logarithms: doubled and halved are equally far from unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, linear_regression, variance

_LEAST = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and between which two it lies, with the confidence that was asked for."""

    point: float
    low: float
    high: float


def mean_interval(figures: Sequence[float], confidence: float) -> Interval | None:
    """Return the mean with its interval; None of fewer than two, which tell nothing of how they vary."""
    if len(figures) < _LEAST:
        return None
    return _around(fmean(figures), variance(figures) / len(figures), len(figures) - 1, confidence)


def alternating(pairs: int) -> list[int]:
    """Return in which order two servers, 0 and 1, take turns: 0, 1, 1, 0, 0, 1 and so on."""
    return [side for pair in range(pairs) for side in ((0, 1) if pair % 2 == 0 else (1, 0))]


def change_interval(
    before: Sequence[float], after: Sequence[float], confidence: float, *, is_in_turns: bool
) -> Interval | None:
    """Return `after / before - 1` with its interval; None of fewer than two on a side, or where one is not above 0.

    Of repeats that were taken in turns a steady drift is taken out; else it is Welch's t (1947).
    """
    if min(len(before), len(after)) < _LEAST or min(*before, *after) <= 0:
        return None
    earlier, later = [[math.log(figure) for figure in side] for side in (before, after)]
    if is_in_turns and len(earlier) == len(later):
        between = _without_drift(earlier, later, confidence)
    else:
        between = _welch(earlier, later, confidence)
    return Interval(*(math.expm1(bound) for bound in (between.point, between.low, between.high)))


def _without_drift(before: Sequence[float], after: Sequence[float], confidence: float) -> Interval:
    """Return the change, by least squares over a step between the sides and a slope along the session."""
    order = alternating(len(before))
    left = (iter(before), iter(after))
    values = [next(left[side]) for side in order]
    steps = _off_the_line([float(side) for side in order])
    residuals = _off_the_line(values)
    squares = sum(step * step for step in steps)
    point = sum(step * value for step, value in zip(steps, residuals, strict=True)) / squares
    freedom = len(values) - 3
    rest = sum((value - point * step) ** 2 for step, value in zip(steps, residuals, strict=True))
    return _around(point, rest / freedom / squares, freedom, confidence)


def _off_the_line(values: Sequence[float]) -> list[float]:
    """Return how far each value is from the straight line through all of them, equally spaced."""
    slope, base = linear_regression(range(len(values)), values)
    return [value - (base + slope * place) for place, value in enumerate(values)]


def _welch(before: Sequence[float], after: Sequence[float], confidence: float) -> Interval:
    point = fmean(after) - fmean(before)
    shares = [variance(side) / len(side) for side in (before, after)]
    squared = sum(shares)
    if not squared:
        return Interval(point, point, point)
    parts = (share**2 / (len(side) - 1) for share, side in zip(shares, (before, after), strict=True))
    return _around(point, squared, max(1.0, squared**2 / sum(parts)), confidence)


def _around(point: float, squared_error: float, freedom: float, confidence: float) -> Interval:
    wide = student_t(freedom, 1 - confidence) * math.sqrt(squared_error)
    return Interval(point, point - wide, point + wide)


def student_t(freedom: float, outside: float) -> float:
    """Return the t beyond which, on both sides together, a share `outside` of Student's distribution lies.

    G. W. Hill, Algorithm 396: Student's t-quantiles (1970), good to six digits from one degree of freedom on.
    """
    if freedom < 1 or not 0 < outside < 1:
        raise ValueError("at least one degree of freedom and a share between 0 and 1 are wanted")
    if freedom == 1:
        return 1 / math.tan(outside * math.pi / 2)
    if freedom == 2:  # noqa: PLR2004 - degrees of freedom with a closed form
        return math.sqrt(2 / (outside * (2 - outside)) - 2)
    return math.sqrt(freedom * _hill(freedom, outside))


def _hill(n: float, p: float) -> float:
    """Return t²/n; the names are the algorithm's own."""
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y: float = (d * p) ** (2 / n)
    if y <= 0.05 + a:
        tail = 1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3)
        return ((tail + 0.5 / (n + 4)) * y - 1) * (n + 1) / (n + 2) + 1 / y
    x = NormalDist().inv_cdf(p / 2)
    y = x * x
    if n < 5:  # noqa: PLR2004 - the algorithm's own
        c += 0.3 * (n - 4.5) * (x + 0.6)
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    return math.expm1(a * y * y)
