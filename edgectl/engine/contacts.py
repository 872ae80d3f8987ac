"""What earlier looks at each host found: how fast it was, whether it was there, and since when. Pure.

It feeds how long a host is waited for, and which are begun first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

# So many looks of each host are kept: a row stays small, and one slow day is forgotten.
KEPT_LOOKS = 32
# Fewer say nothing about a 95th percentile.
_LEAST_LOOKS = 5
_QUANTILE = 0.95
# A lost SYN is sent again after one second (RFC 6298, section 2); a host is given up only behind that.
_RETRANSMISSION_S = 1.0
_TIMES = 4.0
FLOOR_S = 2.0
CEILING_S = 8.0


class Reach(StrEnum):
    """How a look at a host ended: it answered, it did not, or we were not let in by its key."""

    UP = "up"
    DOWN = "down"
    REFUSED_KEY = "refused-key"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one host; the times are None where we did not get so far."""

    host: str
    reach: Reach
    reason: str = ""
    rtt_s: float | None = None
    tcp_s: float | None = None
    login_s: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Contact:
    """What is on record of a host: how it is since when, and the latest times, oldest first, in seconds."""

    host: str
    reach: Reach
    since: datetime
    answered: datetime | None = None  # when it last did
    reason: str = ""
    tcp_s: Sequence[float] = ()
    seconds: Sequence[float] = ()


class Contacts(Protocol):
    """Where contacts are kept."""

    def known(self, hosts: Collection[str]) -> Mapping[str, Contact]:
        """Return what is on record of these hosts; one that nobody looked at is missing."""
        ...

    def keep(self, contacts: Iterable[Contact]) -> None:
        """Put contacts on record, in place of what was there. Raises `MissingError` where that fails."""
        ...


class NoContacts:
    """Knows no host, and keeps nothing: for what has no fleet to look after."""

    def known(self, hosts: Collection[str]) -> Mapping[str, Contact]:
        """Return nothing."""
        del hosts
        return {}

    def keep(self, contacts: Iterable[Contact]) -> None:
        """Forget them."""


def after(before: Contact | None, look: Look, at: datetime) -> Contact:
    """Return what is on record of a host behind a look at it."""
    since = before.since if before is not None and before.reach is look.reach else at
    answered = at if look.reach is Reach.UP else before.answered if before is not None else None
    seconds = look.seconds if look.reach is Reach.UP else None
    return Contact(
        host=look.host,
        reach=look.reach,
        since=since,
        answered=answered,
        reason=look.reason,
        tcp_s=_latest(before.tcp_s if before is not None else (), look.tcp_s),
        seconds=_latest(before.seconds if before is not None else (), seconds),
    )


def _latest(before: Sequence[float], more: float | None) -> tuple[float, ...]:
    return (*before, *(() if more is None else (round(more, 4),)))[-KEPT_LOOKS:]


def connect_limit_s(contact: Contact | None) -> float | None:
    """Return for how long each attempt at a TCP connection to a host is waited for, or None without enough history.

    One second for a SYN that was lost, and four times the 95th percentile of what it took before; never below 2 s,
    never above 8 s. Four times is the margin that TCP itself takes over the variance of a round trip (RFC 6298).
    """
    if contact is None or len(contact.tcp_s) < _LEAST_LOOKS:
        return None
    wanted_s = _RETRANSMISSION_S + _TIMES * quantile(contact.tcp_s, _QUANTILE)
    return round(min(max(wanted_s, FLOOR_S), CEILING_S), 2)


def expected_s(contact: Contact | None) -> float:
    """Return for how long a host will hold a line: as before, or, where it was down, until it is given up."""
    if contact is None:
        return 0.0
    if contact.reach is Reach.DOWN:
        return math.inf
    return quantile(contact.seconds, 0.5) if contact.seconds else 0.0


def slowest_first(hosts: Sequence[str], contacts: Mapping[str, Contact]) -> list[str]:
    """Return hosts in the order in which the last of them ends soonest: the longest first, equal ones as given.

    R. L. Graham, Bounds on multiprocessing timing anomalies (1969): at most a third longer than the best order. Who
    was down before is waited for the longest, and needs none of the controller's time meanwhile.
    """
    return sorted(hosts, key=lambda host: -expected_s(contacts.get(host)))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed (nearest rank); the values are not empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
