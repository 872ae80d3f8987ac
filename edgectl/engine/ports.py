"""What the engine needs from the world. Adapters above fit these structurally; tests pass fakes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from edgectl.engine.events import RunEvent
from edgectl.inventory.model import Host
from edgectl.remote.errands import Errand
from edgectl.remote.protocol import Message


@dataclass(frozen=True, slots=True)
class Timings:
    """What it took to log in at a host, in seconds, without the time we had no place for it ourselves.

    `tcp_s` until the connection stood, through a bastion the whole way; `login_s` from there until we were logged
    in. `rtt_s` is the round trip as the kernel measured it, which our own load does not touch; None through a bastion.
    """

    tcp_s: float
    login_s: float
    rtt_s: float | None = None


class Session(Protocol):
    """One connection to one host."""

    @property
    def timings(self) -> Timings | None:
        """What it took to log in; None where there was nothing to reach."""
        ...

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        """Do the errand at the host and yield what it says, journaled messages only after number `after`.

        A job is started, or come back to; `confirms` names the task whose change this login proves harmless.
        Raises `HostFault`: LOST or SILENT where the line went away, which says nothing about the job.
        """
        ...

    def close(self) -> None:
        """End the connection; never raises."""
        ...


class Connector(Protocol):
    """Opens sessions."""

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> Session:
        """Return a session with a host whose key was verified, or raise `HostFault`.

        A `fresh` one shares nothing with earlier ones, its way through a bastion included. Each attempt at a TCP
        connection may take `within_s` seconds, or as long as the connector sees fit.
        """
        ...

    def close(self) -> None:
        """Let go of what sessions share; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a host is waited for, in seconds."""

    come_back_s: float = 120.0  # for one whose line was lost, from the last event that was heard
    busy_s: float = 0.0  # for one that another run holds
    until: float = math.inf  # the run's deadline, on the monotonic clock
    connect_s: float | None = None  # for each attempt at a TCP connection; None: as the connector sees fit


@dataclass(frozen=True, slots=True)
class HostWork:
    """One host and what it is asked for."""

    host: Host
    errand: Errand
    patience: Patience = Patience()
    begun: bool = (
        False  # by an earlier controller, as far as is known: the host may be away for its own reboot
    )


@dataclass(frozen=True, slots=True)
class Pause:
    """No host may start now: ask again after the next event, at the latest after so many seconds."""

    seconds: float


NextWork = Callable[[], HostWork | Pause | None]


class HostPool(Protocol):
    """Where hosts are worked on."""

    def check(self, work: Iterable[HostWork]) -> None:
        """Raise `EdgectlError` where this pool may not carry such work, or cannot; before a host is contacted."""
        ...

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        """Work until `next_work` has said None, which is its last word, and every host has ended.

        `next_work` is asked only when there is room for a host, so that a budget stops new hosts at once.
        Both are called in the caller's thread, events in order and each once, even where a host's work goes on
        in another place. `hosts` says how many may come in all.
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
