"""A clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class FakeClock:
    """Time passes where somebody sleeps or turns it; `on_sleep` is called after each nap."""

    def __init__(self, on_sleep: Callable[[float], None] = lambda _seconds: None) -> None:
        self.seconds = 0.0
        self.naps: list[float] = []
        self._on_sleep = on_sleep

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.turn(seconds)
        self._on_sleep(self.seconds)

    def turn(self, seconds: float) -> None:
        self.seconds += seconds
