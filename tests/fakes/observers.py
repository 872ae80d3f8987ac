"""Observers: one that remembers, and one that breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from edgectl.engine.events import RunEvent

Event = TypeVar("Event")


class Witness:
    """Remembers everything, and does as told on the way."""

    def __init__(self, on_event: Callable[[RunEvent], None] = lambda _event: None) -> None:
        self.events: list[RunEvent] = []
        self._on_event = on_event

    def on_event(self, event: RunEvent) -> None:
        self.events.append(event)
        self._on_event(event)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class Broken:
    """Fails at every event, as a full disk does."""

    def on_event(self, event: RunEvent) -> None:
        raise OSError(28, f"no space left for {type(event).__name__}")
