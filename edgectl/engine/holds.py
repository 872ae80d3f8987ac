"""Who may deploy a service now: one holder at a time, for as long as a lease lasts that it keeps renewing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hold:
    """A service in somebody's hands until a moment, unless the lease is renewed before.

    `token` grows with every holder: what a holder writes with an older one is refused. `key` is whose it is: the
    run's id once there is one, so that whoever continues the run comes in again. `process` is where the holder
    lives, as `store.process` says it, so that the same machine need not wait for one that was killed.
    """

    service: str
    key: str
    holder: str
    command: str
    since: datetime
    until: datetime
    token: int = 0
    process: str = ""


class Holds(Protocol):
    """The holds of all services. Every method raises `MissingError` where the store does not answer."""

    def take(self, wanted: Hold) -> Hold:
        """Return the hold that is in force then: the wanted one with its token, or somebody else's.

        One that is over, has the same key, or whose process ended on this machine, gives way.
        """
        ...

    def renew(self, hold: Hold) -> bool:
        """Put the hold's `until` and `key` into force; False where it is not in force any more."""
        ...

    def give_back(self, hold: Hold) -> None:
        """End a hold; one that somebody else has by now is left alone."""
        ...

    def in_force(self, at: datetime) -> Sequence[Hold]:
        """Return every hold that is not over, by service."""
        ...


class NoHolds:
    """Gives everybody everything, for services without a store."""

    def take(self, wanted: Hold) -> Hold:
        """Return it."""
        return wanted

    def renew(self, hold: Hold) -> bool:
        """Return that it is."""
        del hold
        return True

    def give_back(self, hold: Hold) -> None:
        """Forget it."""
        del hold

    def in_force(self, at: datetime) -> Sequence[Hold]:
        """Return none."""
        del at
        return ()
