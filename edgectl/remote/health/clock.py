"""One deadline for many that may each use up their own: everybody gets a part of what is left."""

from __future__ import annotations

import time

# What a program that is well needs to say anything at all.
_LEAST_S = 0.05


class Clock:
    """Counts down from `overall_s`."""

    def __init__(self, overall_s: float) -> None:
        self._until = time.monotonic() + overall_s

    def share_s(self, most_s: float, part: float = 1.0) -> float:
        """Return a deadline in seconds: `part` of what is left, and no more than `most_s`."""
        return max(min(most_s, part * (self._until - time.monotonic())), _LEAST_S)
