"""What a card's weeks tell: what drifts, and when a memory bank runs out of spare rows. Pure.

Nothing is told that the days do not bear: a drift needs a slope that is surely not zero, a date needs several steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from edgectl.catalog.health_fleet import Drift, TrendRules
from edgectl.ops.health.history.days import Day
from edgectl.ops.health.history.slope import Slope, theil_sen

SPARES = "spare-rows"
_DAYS_OF_WEEK = 7
# Heat is compared at about the same power: more of a change than this explains the heat by itself.
_SAME_POWER = 0.1
_ALL_SPARES = 4.0


@dataclass(frozen=True, slots=True)
class Trend:
    """One thing that a card's days tell; `per_week` in the figure's unit, `weeks_left` where there is an end."""

    figure: str
    says: str
    per_week: float
    days: int
    now: float
    unit: str
    weeks_left: float | None = None

    def __str__(self) -> str:
        if self.weeks_left is not None:
            return self.says
        return (
            f"{self.says}: {self.per_week:+.3g} {self.unit} a week over {self.days} days, now {self.now:.3g}"
        )


def trends(days: Sequence[Day], rules: TrendRules) -> list[Trend]:
    """Return what the days of one card tell; they are in order, and may have gaps."""
    if len(days) < _DAYS_OF_WEEK:
        return []
    window = [day for day in days if day.ordinal > days[-1].ordinal - rules.window_days]
    drifting = _drifting(window, rules.drifts)
    return [*_spares(window, rules), *(trend for drift in drifting for trend in _drift(window, drift))]


def _drifting(days: Sequence[Day], drifts: Sequence[Drift]) -> list[Drift]:
    """Return the figures that may drift: most cards drift nowhere, and two sums tell before a slope is drawn.

    A day without a reading (NaN) rules nothing out.
    """
    columns = dict(zip(Day._fields, zip(*days, strict=True), strict=True))
    columns["temperature_mean"] = tuple(
        total / count if count else math.nan
        for total, count in zip(columns["temperature_sum"], columns["temperature_n"], strict=True)
    )
    third = max(1, len(days) // 3)
    return [
        drift
        for drift in drifts
        if not sum(columns[drift.figure][-third:]) - sum(columns[drift.figure][:third])
        < third * drift.least_change
    ]


def _drift(days: Sequence[Day], drift: Drift) -> Iterator[Trend]:
    points = [(day.ordinal, value) for day in days if (value := _figure(day, drift.figure)) is not None]
    if len(points) < drift.least_days:
        return
    first, last = _thirds([value for _, value in points])
    if last - first < drift.least_change:
        return
    if drift.figure == "temperature_mean" and not _is_same_power(days):
        return
    slope = theil_sen(points)
    if slope is not None and slope.low > 0:
        yield Trend(drift.figure, drift.says, *_told(slope, points), drift.unit)


def _told(slope: Slope, points: Sequence[tuple[float, float]]) -> tuple[float, int, float]:
    """Return the slope a week, over how many days, and where it is now."""
    span = int(points[-1][0] - points[0][0]) + 1
    return slope.per_day * _DAYS_OF_WEEK, span, median(value for _, value in points[-3:])


def _figure(day: Day, name: str) -> float | None:
    value: float | None = getattr(day, name)
    return None if value is None or math.isnan(value) else value


def _thirds(values: Sequence[float]) -> tuple[float, float]:
    """Return the means of the first and the last third."""
    third = max(1, len(values) // 3)
    return fmean(values[:third]), fmean(values[-third:])


def _is_same_power(days: Sequence[Day]) -> bool:
    powers = [day.power_mean for day in days if day.power_mean is not None]
    if not powers:
        return True
    first, last = _thirds(powers)
    return abs(last - first) <= _SAME_POWER * max(first, 1.0)


def _spares(days: Sequence[Day], rules: TrendRules) -> Iterator[Trend]:
    """Tell the worst bank's way from all spare rows to none, and its end where several steps point to it."""
    now = worst_level(days[-1])
    if now is None or now == _ALL_SPARES:
        return
    levels = [(day.ordinal, level) for day in days if (level := worst_level(day)) is not None]
    if now == 0:
        yield Trend(SPARES, "a memory bank has no spare rows left", 0.0, len(levels), 0.0, "steps", 0.0)
        return
    steps = levels[0][1] - now
    span = int(levels[-1][0] - levels[0][0]) + 1
    if span < rules.spares_days or steps < rules.spares_steps:
        return
    slope = theil_sen(levels)
    if slope is None or slope.high >= 0:
        return
    weeks = now / -slope.per_day / _DAYS_OF_WEEK
    says = f"a memory bank runs out of spare rows in about {_weeks(weeks)}"
    yield Trend(SPARES, says, slope.per_day * _DAYS_OF_WEEK, span, now, "steps", weeks)


def worst_level(day: Day) -> float | None:
    """Return how much the worst bank has left: 4 all its spare rows, 3 most, 2 some, 1 few, 0 none."""
    banks = day.banks
    if banks is None:
        return None
    return next((float(level) for level, count in enumerate(reversed(banks)) if count > 0), None)


def _weeks(weeks: float) -> str:
    whole = max(1, round(weeks))
    return "a week" if whole == 1 else f"{whole} weeks"
