"""What the rules look at: one GPU, or a whole node, with what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgectl.catalog.rules_model import Rule, Severity
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.expected import Expected
from edgectl.ops.health.finding import Breach, Judged, Standing
from edgectl.ops.health.observed import Node
from edgectl.ops.health.observed_gpu import Gpu


@dataclass(frozen=True, slots=True)
class Sight:
    """One GPU, what is wanted of it, the Xids it had since boot, and the last look at it in this boot.

    `serving` says whether a service runs on the node, None where nobody asked.
    """

    gpu: Gpu
    expected: Expected
    xids: frozenset[int] = frozenset()
    earlier: Earlier | None = None
    driver_version: str | None = None
    uptime_s: float | None = None
    serving: bool | None = None


GpuRule = Callable[[Sight, Rule], Judged]
NodeRule = Callable[[Node, Expected, Rule], Judged]


def flag(value: bool | None, *, wanted: bool, severity: Severity) -> Judged:  # noqa: FBT001 - a reading
    """Judge a reading that is either as wanted or not."""
    if value is None:
        return Standing.UNJUDGED
    return Standing.HOLDS if value == wanted else Breach(severity, value, "")


def drift(value: object | None, wanted: object | None, severity: Severity = Severity.WARNING) -> Judged:
    """Judge a reading by what is wanted; where either is missing there is nothing to judge."""
    if value is None or wanted is None:
        return Standing.UNJUDGED
    if value == wanted:
        return Standing.HOLDS
    return Breach(severity, {"is": value, "wanted": wanted}, f"{value}, wanted {wanted}")


def pending(mode: bool | None, later: bool | None) -> Judged:  # noqa: FBT001 - readings
    """Judge a mode that can differ from the one that the next reset brings."""
    if mode is None or later is None:
        return Standing.UNJUDGED
    if mode == later:
        return Standing.HOLDS
    return Breach(Severity.WARNING, {"is": mode, "pending": later}, f"{_word(later)} after the next reset")


def _word(mode: bool) -> str:  # noqa: FBT001 - a reading
    return "on" if mode else "off"


def grown(now: int | None, before: int | None) -> int | None:
    """Return by how much a counter grew; None without both, or where it was reset in between."""
    if now is None or before is None or now < before:
        return None
    return now - before
