"""Figures as a person reads them: as many digits as they deserve, and a small histogram. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_CELLS = "▁▂▃▄▅▆▇█"


def milliseconds(figure: float | None) -> str:
    """Return a latency with about three digits, `n/a` where the sample cannot bear it."""
    if figure is None:
        return "n/a"
    if figure >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"  # noqa: PLR2004 - as above


def rate(figure: float) -> str:
    """Return a rate: `20.0`, `4,012`."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}"  # noqa: PLR2004 - three digits are enough


def percent(share: float) -> str:
    """Return a share as `98.9 %`; never 100 where something is missing, never 0 where something is there."""
    shown = round(share * 100, 1)
    if share < 1:
        shown = min(shown, 99.9)
    if share > 0:
        shown = max(shown, 0.1)
    return f"{shown:g} %"


def sparkline(counts: Sequence[int]) -> str:
    """Return one cell per count; an empty bucket is a gap, so that a tail is seen."""
    most = max(counts, default=0)
    if not most:
        return ""
    return "".join(_CELLS[max(0, -(-count * len(_CELLS) // most) - 1)] if count else " " for count in counts)
