"""Spans of time as a person says them: `15 min`, `3 h`, `2 d`. Pure."""

from __future__ import annotations

from datetime import datetime

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400
# Below two of a unit the next smaller one says more.
_LEAST = 2


def age(since: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in one unit."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length_s in (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if seconds >= _LEAST * length_s:
            return f"{seconds // length_s} {unit}"
    return f"{seconds} s"
