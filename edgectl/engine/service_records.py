"""What is remembered of services: releases, what every host came to serve, what engines took when they started."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from edgectl.engine.holds import Hold


class Turn(StrEnum):
    """What happened to a service on a host."""

    LIVE = "live"  # the release proved itself and is in force
    FAILED = "failed"  # it did not, and the one before it, if any, is in force again
    ROLLED_BACK = "rolled-back"  # a person or a halt brought the one before it back
    QUARANTINED = "quarantined"  # nothing proves itself there; drained
    DRAINED = "drained"
    UNDRAINED = "undrained"
    REMOVED = "removed"
    SEEN = "seen"  # a look at the host found it so


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """One thing that happened: after it, `release` is in force at the host ('': none); `tried` is what it was about.

    `gpus` are those that it has there, by number or UUID; none where that is not known.
    """

    service: str
    host: str
    release: str
    turn: Turn
    at: datetime
    by: str
    tried: str = ""
    run: str = ""
    reason: str = ""
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What one replica takes of its host: GPUs, how much of each GPU's memory (a share of 1), and bytes on disk."""

    gpus: int = 0
    share: float = 1.0
    mig: str = ""
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """What a release is: its lock as it was written, and what it takes of a host."""

    release: str
    service: str
    at: datetime
    by: str
    lock: Mapping[str, Any] = field(default_factory=dict)
    claim: Claim = Claim()


@dataclass(frozen=True, slots=True)
class EngineStart:
    """What one start of an engine took on each GPU, in bytes, as the engine itself said; None where it said nothing.

    `model` and `engine` are digests, `sku` is a GPU's name in the catalogue, `mig` the slice's profile or ''.
    """

    model: str
    engine: str
    sku: str
    host: str
    at: datetime
    mig: str = ""
    weights_bytes: int | None = None
    activation_bytes: int | None = None
    graphs_bytes: int | None = None
    other_bytes: int | None = None


class ServiceHistory(Protocol):
    """Services in the store. Every method raises `MissingError` where the store does not answer."""

    def record(self, changes: Sequence[ServiceChange], hold: Hold | None = None) -> None:
        """Put changes on record, all or none. Raises `BusyError` where the hold they were made under is over."""
        ...

    def serving(self, service: str | None = None) -> Sequence[ServiceChange]:
        """Return the latest change of each service on each host, by service and host."""
        ...

    def changes(self, service: str, hosts: Collection[str] | None = None) -> Sequence[ServiceChange]:
        """Return every change of a service, oldest first."""
        ...

    def keep_release(self, release: ReleaseRecord) -> None:
        """Put a release on record; one that is there already stays as it is."""
        ...

    def releases(self, service: str | None = None) -> Sequence[ReleaseRecord]:
        """Return the releases on record, oldest first."""
        ...

    def keep_starts(self, starts: Sequence[EngineStart]) -> None:
        """Put what engines took on record."""
        ...

    def starts(self, model: str, engine: str) -> Sequence[EngineStart]:
        """Return what an engine took with a model, newest first."""
        ...


class NoServiceHistory:
    """Remembers nothing, for services without a store."""

    def record(self, changes: Sequence[ServiceChange], hold: Hold | None = None) -> None:
        """Forget them."""

    def serving(self, service: str | None = None) -> Sequence[ServiceChange]:
        """Return nothing."""
        del service
        return ()

    def changes(self, service: str, hosts: Collection[str] | None = None) -> Sequence[ServiceChange]:
        """Return nothing."""
        del service, hosts
        return ()

    def keep_release(self, release: ReleaseRecord) -> None:
        """Forget it."""

    def releases(self, service: str | None = None) -> Sequence[ReleaseRecord]:
        """Return nothing."""
        del service
        return ()

    def keep_starts(self, starts: Sequence[EngineStart]) -> None:
        """Forget them."""

    def starts(self, model: str, engine: str) -> Sequence[EngineStart]:
        """Return nothing."""
        del model, engine
        return ()
