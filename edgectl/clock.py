"""The only reader of time and the only sleeper in the controller."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the controller sees it; tests pass one that they turn by hand."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""
        return datetime.now(tz=UTC)  # noqa: TID251 - this is the port

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()  # noqa: TID251 - this is the port

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: TID251 - this is the port
