"""Everything that can happen in a run: a closed union. An observer matches what it cares about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.records import Manifest
from edgectl.remote.protocol import Message


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run is about to contact its first host."""

    run: str
    command: str
    hosts: Sequence[str]
    at: datetime
    started_by: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True)
class WaveStarted:
    """A wave may start its hosts; `number` counts from 1."""

    number: int
    of: int
    hosts: int
    canary: bool


@dataclass(frozen=True, slots=True)
class HostStarted:
    """The first connection to a host is being made."""

    host: str
    pop: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HostConnected:
    """We are logged in at a host, for the first time or again; seconds are as in `engine.ports.Timings`."""

    host: str
    tcp_s: float
    login_s: float
    rtt_s: float | None


@dataclass(frozen=True, slots=True)
class HostSaid:
    """A host's runner sent a message."""

    host: str
    message: Message


@dataclass(frozen=True, slots=True)
class HostLost:
    """The line to a host went away; the work there goes on, and we are trying to come back to it."""

    host: str
    reason: str


@dataclass(frozen=True, slots=True)
class HostAttached:
    """The line to a host is there again, `away_s` seconds after it was lost; what follows comes after event `after`."""

    host: str
    after: int
    away_s: float


@dataclass(frozen=True, slots=True)
class HostDeferred:
    """A host ended in a way that may pass; it is tried again after so many seconds, and has no outcome yet."""

    host: str
    status: HostStatus
    reason: str
    again_in_s: float


@dataclass(frozen=True, slots=True)
class HostEnded:
    """A host came to its one outcome."""

    outcome: HostOutcome


@dataclass(frozen=True, slots=True)
class RunWaits:
    """Nothing runs, and nothing may start before so many seconds: a soak, a closed window, hosts away."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RunStopped:
    """A budget, a gate, a deadline or a person stopped new hosts from starting."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Every host has its outcome."""

    outcome: RunOutcome
    at: datetime


RunEvent = (
    RunStarted
    | WaveStarted
    | HostStarted
    | HostConnected
    | HostSaid
    | HostLost
    | HostAttached
    | HostDeferred
    | HostEnded
    | RunWaits
    | RunStopped
    | RunEnded
)
