"""`health prune`: forget looks, changes and cards of long ago."""

from __future__ import annotations

from datetime import timedelta

from edgectl.clock import Clock
from edgectl.engine.health_records import HealthHistory
from edgectl.errors import ExitCode, UsageError
from edgectl.playbook.schema import seconds
from edgectl.report import Line, Report

LOOKS = "90d"
CHANGES = "365d"


def prune(history: HealthHistory, clock: Clock, looks: str = LOOKS, changes: str = CHANGES) -> Report:
    """Forget looks and days older than `looks`, changes older than `changes`, and cards not seen for so long."""
    now = clock.now()
    done = history.prune(now - _span("--looks", looks), now - _span("--changes", changes))
    said = f"{done.weeks:,} weeks of cards, {done.cards:,} cards and nodes, and {done.changes:,} changes forgotten"
    data = {"weeks": done.weeks, "cards": done.cards, "changes": done.changes}
    return Report("health prune", now, 0.0, ExitCode.DONE, data=data, body=[Line(said)])


def _span(option: str, text: str) -> timedelta:
    try:
        return timedelta(seconds=seconds(text))
    except (ValueError, OverflowError):
        raise UsageError(f"{option} '{text}' is no duration such as 90d") from None
