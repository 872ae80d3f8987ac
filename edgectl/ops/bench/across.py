"""Repeats of one measurement as one: the middle one to look at, and how far they vary. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgectl.ops.bench.drawing import percent
from edgectl.ops.bench.figures import FIGURES, JUDGED, Figure, figures_of
from edgectl.ops.bench.intervals import Interval, mean_interval
from edgectl.ops.bench.measured import Measured
from edgectl.report import Line

# Of the mean over the repeats.
CONFIDENCE = 0.95


def typical(repeats: Sequence[Measured]) -> Measured:
    """Return the repeat whose token rate is the middle one: a whole measurement that was really made."""
    ordered = sorted(repeats, key=lambda measured: measured.output_tokens_per_s)
    return ordered[len(ordered) // 2]


def across(repeats: Sequence[Measured]) -> Mapping[str, Interval]:
    """Return by figure's name the mean over the repeats and its interval, where every repeat has the figure."""
    found = {}
    for figure in FIGURES.values():
        values = [figures_of(measured).get(figure.key) for measured in repeats]
        known = [value for value in values if value is not None]
        interval = mean_interval(known, CONFIDENCE) if len(known) == len(values) else None
        if interval is not None:
            found[figure.name] = interval
    return found


def bench_data(repeats: Sequence[Measured]) -> dict[str, Any]:
    """Return what the report holds of one server: its middle repeat, and of several each one; nothing of none."""
    if not repeats:
        return {}
    bench = {"bench": dict(typical(repeats).whole)}
    if len(repeats) == 1:
        return bench
    intervals = {
        name: {"mean": round(found.point, 3), "low": round(found.low, 3), "high": round(found.high, 3)}
        for name, found in across(repeats).items()
    }
    return {**bench, "across": intervals, "repeats": [dict(measured.whole) for measured in repeats]}


def across_line(repeats: Sequence[Measured]) -> list[Line]:
    """Return how sure the figures are, for a person; nothing of a single measurement."""
    if len(repeats) == 1:
        return []
    found = across(repeats)
    parts = [_shown(FIGURES[name], found[name]) for name in JUDGED if name in found]
    return [
        Line(
            f"repeats     {len(repeats)}, {percent(CONFIDENCE)} sure: {' · '.join(parts)}; shown is the middle one"
        )
    ]


def _shown(figure: Figure, interval: Interval) -> str:
    wide = (interval.high - interval.low) / 2
    return f"{figure.shown} {figure.number(interval.point)} ± {figure.quantity(wide)}"
