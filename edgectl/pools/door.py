"""Who gets a free line: hosts that are due again and new ones, in turn."""

from __future__ import annotations

import math

from edgectl.clock import Clock
from edgectl.engine.ports import HostWork, NextWork, Pause
from edgectl.pools.lines import Lines


class Door:
    """Fills lines with hosts. A new host is asked for only where a line is free for it."""

    def __init__(self, lines: Lines, next_work: NextWork, clock: Clock) -> None:
        self._lines = lines
        self._next_work = next_work
        self._clock = clock
        self._answer: HostWork | Pause | None = Pause(0)
        self._asked = clock.monotonic()
        self._new_one_is_next = True

    @property
    def is_open(self) -> bool:
        """Tell whether more hosts may come."""
        return self._answer is not None

    def fill(self) -> None:
        """Give every free line to a host, and say whether others wait for one.

        In turn: new hosts alone would leave failures unheard of, old ones alone would start nobody.
        """
        lines = self._lines
        while lines.has_room():
            if lines.has_due() and not (self.is_open and self._new_one_is_next):
                lines.visit_due()
                self._new_one_is_next = True
            elif not self._begins_another():
                if not lines.has_due():
                    break
                self._new_one_is_next = False
        lines.want(wanted=not lines.has_room() and (lines.has_due() or self._may_have_more()))

    def admit(self, work: HostWork) -> None:
        """Begin a host that was given, be there a free line or not."""
        self._answer, self._asked = work, self._clock.monotonic()
        self._lines.begin(work)
        self._new_one_is_next = False

    def wait_s(self) -> float:
        """Return until when nothing is to be done here, unless something happens; seconds, may be infinite."""
        return min(self._pause_left_s(), self._lines.due_in_s())

    def _begins_another(self) -> bool:
        if self._answer is None:
            return False
        answer = self._next_work()
        if isinstance(answer, HostWork):
            self.admit(answer)
            return True
        self._answer, self._asked = answer, self._clock.monotonic()
        return False

    def _may_have_more(self) -> bool:
        """Tell whether a new host may be waiting; nobody asks while every line is taken."""
        return isinstance(self._answer, HostWork) or (
            isinstance(self._answer, Pause) and self._pause_left_s() == math.inf
        )

    def _pause_left_s(self) -> float:
        """Return how long it is until `next_work` is to be asked again; infinite where that time is over or none."""
        if not isinstance(self._answer, Pause):
            return math.inf
        left_s = self._asked + self._answer.seconds - self._clock.monotonic()
        if self._lines.has_room():
            return max(0.0, left_s)
        return left_s if left_s > 0 else math.inf
