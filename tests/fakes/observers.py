"""Observers: one that remembers, one that breaks, and a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from edgectl.engine.events import HostEnded, RunEnded, RunEvent, RunStarted
from edgectl.engine.outcome import HostOutcome, joined
from edgectl.engine.ports import RunRecord

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


class MemoryHistory:
    """The store's two halves, an observer and a RunHistory, in dictionaries."""

    def __init__(self) -> None:
        self._runs: dict[str, RunRecord] = {}
        self._hosts: dict[str, dict[str, HostOutcome]] = {}
        self._current = ""

    def on_event(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                self._current = event.run
                self._hosts[event.run] = {}
                self._runs[event.run] = RunRecord(
                    event.run,
                    event.command,
                    event.at,
                    None,
                    event.started_by,
                    "",
                    event.arguments,
                    {"hosts": len(event.hosts)},
                )
            case HostEnded():
                ended = self._hosts[self._current]
                before = ended.get(event.outcome.host)
                ended[event.outcome.host] = joined(before, event.outcome) if before else event.outcome
            case RunEnded():
                self._end(event)
            case _:
                pass

    def _end(self, event: RunEnded) -> None:
        run = event.outcome.run
        counts = {status.value: count for status, count in event.outcome.counts.items()}
        self._hosts[run] = {host.host: host for host in event.outcome.hosts}
        self._runs[run] = replace(
            self._runs[run],
            finished=event.at,
            stopped=event.outcome.stopped,
            counts={"hosts": len(event.outcome.hosts), **counts},
        )

    def runs(self, limit: int) -> Sequence[RunRecord]:
        return sorted(self._runs.values(), key=lambda record: record.run, reverse=True)[:limit]

    def find(self, run: str) -> RunRecord | None:
        found = [record for name, record in self._runs.items() if name.startswith(run)]
        return found[0] if len(found) == 1 else None

    def hosts(self, run: str) -> Sequence[HostOutcome]:
        return [self._hosts[run][name] for name in sorted(self._hosts.get(run, {}))]
