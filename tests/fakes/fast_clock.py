"""A clock on which a minute passes in a moment, for threads that really wait."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from tests.fakes.clock import START


class FastClock:
    """Real time, so many times faster."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._began = time.monotonic()  # noqa: TID251 - it is a clock

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._factor  # noqa: TID251 - it is a clock

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._factor)  # noqa: TID251 - it is a clock
