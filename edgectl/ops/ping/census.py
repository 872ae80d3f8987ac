"""Where each host stands, by this look and what is on record of the ones before. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from edgectl.engine.contacts import Contact, Look, Reach, after
from edgectl.engine.events import HostConnected
from edgectl.engine.faults import changed_key
from edgectl.engine.outcome import HostOutcome, HostStatus

_DOWN = (HostStatus.UNREACHABLE, HostStatus.UNKNOWN)


class Standing(StrEnum):
    """How a host stands against what was known of it."""

    UP = "up"
    BACK = "back"  # it did not answer the last time
    NEW = "new"  # it does not answer any more
    KNOWN = "known"  # it did not answer the last time either
    FIRST = "first"  # it does not answer, and nobody looked before
    KEY = "key"  # it shows another key than the pinned one
    NOT_ASKED = "not-asked"  # the run ended before its turn


DOWN = (Standing.NEW, Standing.KNOWN, Standing.FIRST)
UP = (Standing.UP, Standing.BACK)


@dataclass(frozen=True, slots=True)
class Stand:
    """One host in the census; `contact` is what is on record of it from now on, None where it was not asked.

    `before_since` is since when it stood as it did before this look.
    """

    outcome: HostOutcome
    standing: Standing
    look: Look | None = None
    contact: Contact | None = None
    before_since: datetime | None = None

    @property
    def round_trip_s(self) -> float | None:
        """Return the way there and back: as the kernel measured it, or through a bastion what connecting took."""
        if self.look is None:
            return None
        return self.look.tcp_s if self.look.rtt_s is None else self.look.rtt_s


def census(
    outcomes: Sequence[HostOutcome],
    connected: Mapping[str, HostConnected],
    contacts: Mapping[str, Contact],
    at: datetime,
) -> list[Stand]:
    """Return where every host stands; `connected` has those that let us in, `contacts` what was on record."""
    return [
        _stand(outcome, connected.get(outcome.host), contacts.get(outcome.host), at) for outcome in outcomes
    ]


def by_standing(stands: Sequence[Stand]) -> dict[Standing, list[Stand]]:
    """Return the hosts of each standing, in order; every standing is there."""
    found: dict[Standing, list[Stand]] = defaultdict(list)
    for stand in stands:
        found[stand.standing].append(stand)
    return {standing: found[standing] for standing in Standing}


def _stand(
    outcome: HostOutcome, connected: HostConnected | None, before: Contact | None, at: datetime
) -> Stand:
    if outcome.status is HostStatus.NOT_RUN:
        return Stand(outcome, Standing.NOT_ASKED)
    look = look_of(outcome, connected)
    return Stand(
        outcome=outcome,
        standing=_standing(look, before),
        look=look,
        contact=after(before, look, at),
        before_since=before.since if before is not None else None,
    )


def look_of(outcome: HostOutcome, connected: HostConnected | None) -> Look:
    """Return what a host's outcome says of its reach; one that let us in and could not run a job is there."""
    reach = Reach.DOWN if outcome.status in _DOWN else Reach.UP
    if reach is Reach.DOWN and changed_key(outcome.reason) is not None:
        reach = Reach.REFUSED_KEY
    if connected is None:
        return Look(outcome.host, reach, outcome.reason, seconds=outcome.seconds)
    return Look(
        outcome.host,
        reach,
        outcome.reason,
        connected.rtt_s,
        connected.tcp_s,
        connected.login_s,
        outcome.seconds,
    )


def _standing(look: Look, before: Contact | None) -> Standing:
    if look.reach is Reach.REFUSED_KEY:
        return Standing.KEY
    if look.reach is Reach.UP:
        return Standing.BACK if before is not None and before.reach is not Reach.UP else Standing.UP
    if before is None:
        return Standing.FIRST
    return Standing.KNOWN if before.reach is Reach.DOWN else Standing.NEW
