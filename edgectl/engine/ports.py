"""What the engine needs from the world. Adapters above fit these structurally; tests pass fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from edgectl.engine.events import RunEvent
from edgectl.inventory.model import Host
from edgectl.remote.protocol import Job, Message


class Session(Protocol):
    """One connection to one host."""

    def run(self, job: Job, *, after: int) -> Iterator[Message]:
        """Start the job, or come back to it, and yield its messages after number `after` until it ends.

        Raises `HostFault`: LOST or SILENT where the line went away, which says nothing about the job.
        """
        ...

    def close(self) -> None:
        """End the connection; never raises."""
        ...


class Connector(Protocol):
    """Opens sessions."""

    def connect(self, host: Host) -> Session:
        """Return a session with a host whose key was verified, or raise `HostFault`."""
        ...

    def close(self) -> None:
        """Let go of what sessions share; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class HostWork:
    """One host and what it has to do."""

    host: Host
    job: Job


class HostPool(Protocol):
    """Where hosts are worked on."""

    def run(self, work: Iterable[HostWork], on_event: Callable[[RunEvent], None]) -> None:
        """Work until `work` is exhausted.

        `work` is asked for the next host only when there is room for it, so that a budget stops new hosts at
        once. `on_event` is called in the caller's thread, in order.
        """
        ...


@dataclass(frozen=True, slots=True)
class ShownKey:
    """The host key that a host showed, against the one that is pinned."""

    host: str
    line: str
    fingerprint: str
    pinned: str


class KeyScanner(Protocol):
    """Asks hosts for their keys, without logging in."""

    def scan(self, host: Host) -> ShownKey:
        """Return the key a host shows, or raise `HostFault`."""
        ...


class Observer(Protocol):
    """Sees everything that happens in a run: progress, log, store."""

    def on_event(self, event: RunEvent) -> None:
        """Take note; must return quickly."""
        ...
