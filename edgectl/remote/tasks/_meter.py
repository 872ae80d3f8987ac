"""How far the files of one task have come, told at most once a second."""

from __future__ import annotations

import time

from edgectl.remote.lean import Any, Callable, Optional

_STEP_S = 1.0


class Meter:
    """Says where all files stand, those that were there before included: bytes done, and of how many.

    A file that is fetched anew counts anew, so that nothing counts twice.
    """

    def __init__(self, tell: Callable[[int, int], Any], sizes: list[Optional[int]]) -> None:
        self._tell = tell
        self._sizes = sizes  # None: not known yet
        self._done = [0] * len(sizes)
        self._told_s = 0.0

    def at(self, number: int, done: int, size: Optional[int]) -> None:
        """Take note of where a file stands; a size that its server names is known from then on."""
        if self._sizes[number] is None:
            self._sizes[number] = size
        self._done[number] = done
        now = time.monotonic()
        if now - self._told_s >= _STEP_S:
            self.say()
            self._told_s = now

    def say(self) -> None:
        """Tell it now."""
        known = [size for size in self._sizes if size is not None]
        total = sum(known) if len(known) == len(self._sizes) else 0
        self._tell(sum(self._done), total)
