"""One operator per service: taken before anything is done, renewed while it goes on, given back at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from edgectl.engine.holds import Hold, Holds
from edgectl.errors import BusyError, MissingError
from edgectl.ids import run_id
from edgectl.ops.services import Services

_log = logging.getLogger(__name__)

# Long enough for a store that is away for a while, short enough to wait for after a laptop died.
LEASE_S = 120.0
_RENEWALS = 4  # within one lease


class Held:
    """A service that is ours as long as `lost` is empty."""

    def __init__(self, services: Services, hold: Hold) -> None:
        self._holds: Holds = services.holds
        self._clock = services.clock
        self._lock = threading.Lock()
        self.hold = hold
        self.lost = ""

    @property
    def token(self) -> int:
        """What grows with every holder: a host that saw a greater one refuses this."""
        return self.hold.token

    def begun(self, run: str) -> None:
        """Say which run is carried out under the hold: whoever continues it comes in again."""
        self._put(replace(self.hold, key=run))

    def renew(self) -> None:
        """Make the lease last from now on; where somebody took it over, `lost` says so."""
        self._put(self.hold)

    def _put(self, hold: Hold) -> None:
        with self._lock:
            wanted = replace(hold, until=self._clock.now() + timedelta(seconds=LEASE_S))
            if self._holds.renew(wanted):
                self.hold = wanted
            else:
                self.lost = f"somebody else took the service '{hold.service}' over"

    def give_back(self) -> None:
        """Let the next one in."""
        with self._lock:
            self._holds.give_back(self.hold)


@contextmanager
def held(services: Services, service: str) -> Iterator[Held]:
    """Hold a service while the body runs, or raise `BusyError` naming who does.

    A command that continues a run comes in under that run's own hold.
    """
    now = services.clock.now()
    wanted = Hold(
        service=service,
        key=services.resuming or run_id(now, services.random_bytes),
        holder=services.started_by,
        command=" ".join(["edgectl", *services.origin.argv]),
        since=now,
        until=now + timedelta(seconds=LEASE_S),
    )
    taken = services.holds.take(wanted)
    if taken.key != wanted.key:
        raise BusyError(said_of(taken, now), hint=f"edgectl runs attach {taken.key}, or wait and try again")
    ours = Held(services, taken)
    ended = threading.Event()
    renewing = threading.Thread(target=_keep_renewing, args=(ours, ended), name="hold", daemon=True)
    renewing.start()
    try:
        yield ours
    finally:
        ended.set()
        renewing.join()
        ours.give_back()


def said_of(hold: Hold, now: datetime) -> str:
    """Return who holds a service, from where, since when, with which command."""
    left_s = max(0.0, (hold.until - now).total_seconds())
    since = f"{hold.since.astimezone():%Y-%m-%d %H:%M %Z}"
    return (
        f"'{hold.service}' is held by {hold.holder} since {since}: {hold.command}"
        f" (its lease ends in {left_s:.0f} s unless it is renewed)"
    )


def held_lines(services: Services) -> Sequence[str]:
    """Return who holds which service now."""
    now = services.clock.now()
    return [said_of(hold, now) for hold in services.holds.in_force(now)]


def _keep_renewing(held: Held, ended: threading.Event) -> None:
    while not held.lost and not ended.wait(LEASE_S / _RENEWALS):
        try:
            held.renew()
        except MissingError:
            _log.exception("cannot renew the hold of a service; trying again")
