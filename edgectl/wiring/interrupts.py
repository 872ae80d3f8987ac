"""Ctrl-C: the first starts no new hosts, the second detaches; work at the hosts goes on either way."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Counts how often a person asked to stop."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        """Return the count."""
        return self.count

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count SIGINT and SIGTERM in place of dying of them, the second one apart."""
        previous = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        sys.stderr.write(
            "\ninterrupted: no new hosts start, running ones finish; again to detach from them\n"
        )
