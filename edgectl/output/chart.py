"""A chart as SVG: axes with round numbers, curves that differ by more than colour, values to point at."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from edgectl.report import Chart, Series

_WIDTH, _HEIGHT = 480, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 40, 44
_TICKS = 5
# Okabe and Ito's colours, which people tell apart who see fewer; with dashes, so that a print without colour will do.
_STROKES = (
    ("#0072b2", ""), ("#d55e00", "6 3"), ("#009e73", "2 3"), ("#cc79a7", "9 3 2 3"),
    ("#e69f00", "1 3"), ("#56b4e9", "12 4"), ("#8a6d3b", "4 2"), ("#777777", "8 2"),
)  # fmt: skip
_DOTS = 40  # a curve of more points than this is drawn without dots


@dataclass(frozen=True, slots=True)
class _Axis:
    """From values to pixels; `ticks` are round numbers between its ends."""

    low: float
    high: float
    start: float
    end: float
    ticks: Sequence[float]

    def at(self, value: float) -> float:
        """Return where a value lies."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def svg(chart: Chart) -> str:
    """Return the chart as an `<svg>` element that stands by itself."""
    points = [point for series in chart.series for point in series.points]
    if not points:
        return ""
    edges = [value for series in chart.series for _, low, high in series.band for value in (low, high)]
    limits = [] if chart.limit is None else [chart.limit]
    across = _axis([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _axis(
        [*(y for _, y in points), *edges, *limits], _HEIGHT - _BOTTOM, _TOP, from_zero=not chart.is_close_up
    )
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">',
        f'<text class="title" x="{_LEFT}" y="14">{escape(chart.title)}</text>',
        *_grid(across, up, chart),
        *_limit(chart, across, up),
    ]
    for number, series in enumerate(chart.series):
        parts += _curve(series, number, across, up, has_steps=chart.has_steps)
    return "\n".join([*parts, *_legend(chart.series), "</svg>"])


def _axis(values: Sequence[float], start: float, end: float, *, from_zero: bool = False) -> _Axis:
    low, high = min(values), max(values)
    if from_zero:
        low = min(0.0, low)
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / _TICKS)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [number * step for number in range(first, last + 1)]
    return _Axis(ticks[0], ticks[-1], start, end, ticks)


def _round_step(wanted: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that is no less."""
    power: float = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted * (1 - 1e-9))


def _grid(across: _Axis, up: _Axis, chart: Chart) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in up.ticks:
        y = up.at(tick)
        yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
    for tick in across.ticks:
        x = across.at(tick)
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{_number(tick)}</text>'
    middle = (_TOP + bottom) / 2
    yield f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(chart.x)}</text>'
    yield f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(chart.y)}</text>'


def _limit(chart: Chart, across: _Axis, up: _Axis) -> Iterator[str]:
    if chart.limit is not None:
        y = up.at(chart.limit)
        yield f'<line class="limit" x1="{across.start}" y1="{y:.1f}" x2="{across.end}" y2="{y:.1f}"/>'
        text = f"limit {_number(chart.limit)}"
        yield f'<text class="limit" x="{across.end - 4}" y="{y - 4:.1f}" text-anchor="end">{text}</text>'


def _curve(series: Series, number: int, across: _Axis, up: _Axis, *, has_steps: bool) -> Iterator[str]:
    color, dashes = _STROKES[number % len(_STROKES)]
    places = [(across.at(x), up.at(y)) for x, y in series.points]
    if series.band:
        edge = [(across.at(x), up.at(low)) for x, low, _ in series.band]
        edge += [(across.at(x), up.at(high)) for x, _, high in reversed(series.band)]
        yield f'<polygon points="{_path(edge)}" fill="{color}" fill-opacity="0.15"/>'
    line = _stepped(places) if has_steps else places
    yield f'<polyline class="curve" points="{_path(line)}" stroke="{color}" stroke-dasharray="{dashes}"/>'
    kind = "corner" if has_steps else "dot"
    if len(places) <= _DOTS:
        for (x, y), (value_x, value_y) in zip(places, series.points, strict=True):
            told = escape(f"{series.name}: {_number(value_x)}, {_number(value_y)}")
            place = f'cx="{x:.1f}" cy="{y:.1f}"'
            yield f'<circle class="{kind}" {place} fill="{color}"><title>{told}</title></circle>'


def _stepped(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the corners of a step function that reaches each value at its place."""
    corners = [places[0]]
    for (_, before), (x, y) in itertools.pairwise(places):
        corners += [(x, before), (x, y)]
    return corners


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _legend(series: Sequence[Series]) -> Iterator[str]:
    """Name the curves, where there are several."""
    if len(series) == 1:
        return
    x = float(_LEFT)
    for number, one in enumerate(series[: len(_STROKES)]):
        color, dashes = _STROKES[number]
        line = f'x1="{x}" y1="27" x2="{x + 18}" y2="27" stroke="{color}" stroke-dasharray="{dashes}"'
        yield f'<line class="curve" {line}/>'
        yield f'<text x="{x + 22}" y="31">{escape(one.name)}</text>'
        x += 36 + 6.2 * len(one.name)


def _number(value: float) -> str:
    """Return a number with as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits are enough
