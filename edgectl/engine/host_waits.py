"""How long one host is left alone between two visits, and until when it is waited for at all."""

from __future__ import annotations

import zlib

from edgectl.clock import Clock
from edgectl.engine.host_progress import UNDOING_S, Progress
from edgectl.engine.ports import HostWork
from edgectl.remote.errands import Attach, Errand
from edgectl.remote.job import Job

# How long we wait between two attempts to come back, or to find a host free, before jitter.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
# How long a host at work is left alone. A visit lasts until its next sign of life, `protocol.HEARTBEAT_S`, so that
# shorter pauses would save no line; longer ones would tell a budget of a failure too late.
FIRST_AWAY_S = 4.0
LONGEST_AWAY_S = 30.0
# Without an event for so long, a task is a long one.
QUIET_S = 4.0
# We are back so long before the run's deadline: time for a visit, and for a second one where the first one fails.
_BACK_BEFORE_S = 30.0


class Waits:
    """How long one host is still waited for, and in which steps."""

    def __init__(self, work: HostWork, clock: Clock) -> None:
        self._host = work.host.name
        self._patience = work.patience
        self._goes_on_alone = goes_on_alone(work.errand)
        self._clock = clock
        self._began = clock.monotonic()
        self._heard = -1
        self._give_up = 0.0
        self._attempt = 0
        self._left_after = -1
        self._times_left = 0

    def may_find_it_free(self) -> bool:
        """Tell whether a busy host is asked again."""
        return self._clock.monotonic() < min(self._began + self._patience.busy_s, self._patience.until)

    def are_over(self, progress: Progress) -> bool:
        """Tell whether to give a lost host up. Each sign of life starts the time anew; a host may ask for more."""
        now = self._clock.monotonic()
        if progress.heard > self._heard:
            self._heard, self._attempt = progress.heard, 0
            asked_for = max(progress.down_until, progress.confirm_until + UNDOING_S)
            self._give_up = max(now + self._patience.come_back_s, asked_for)
        return now >= min(self._give_up, self._patience.until)

    def pause_s(self) -> float:
        """Return a pause that doubles, between half and all of it: a site's hosts must not come back as one."""
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._attempt, 10))
        self._attempt += 1
        return self._jittered(longest, self._attempt)

    def may_leave(self, progress: Progress) -> bool:
        """Tell whether a host that was just heard may be left alone: it works on, and there is nothing new."""
        now = self._clock.monotonic()
        is_quiet = now - progress.news_at >= QUIET_S and progress.confirms is None
        has_time = now + FIRST_AWAY_S + _BACK_BEFORE_S < self._patience.until
        return self._goes_on_alone and is_quiet and has_time

    def away_s(self, progress: Progress) -> float:
        """Return for how long to leave it alone: a pause that doubles while there is nothing new, before jitter."""
        if progress.after > self._left_after:
            self._left_after, self._times_left = progress.after, 0
        longest = min(LONGEST_AWAY_S, FIRST_AWAY_S * 2 ** min(self._times_left, 10))
        self._times_left += 1
        left_s = self._patience.until - _BACK_BEFORE_S - self._clock.monotonic()
        return min(self._jittered(longest, self._times_left), left_s)

    def _jittered(self, longest: float, attempt: int) -> float:
        jitter = zlib.crc32(f"{self._host} {attempt}".encode()) / 0xFFFFFFFF
        return float(longest * (0.5 + jitter / 2))


def goes_on_alone(errand: Errand) -> bool:
    """Tell whether a host's work needs nothing of us until its end.

    A job that only reads ends with its session. One with a task to be confirmed wants a fresh login within
    seconds, and one with secrets is not brought them more often than its line is lost.
    """
    if isinstance(errand, Job):
        return errand.changes and not errand.secrets and not any(task.confirm_s for task in errand.tasks())
    return isinstance(errand, Attach)
