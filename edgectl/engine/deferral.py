"""When a host that is away is tried again. Pure."""

from __future__ import annotations

from edgectl.engine.outcome import HostOutcome, HostStatus

# What passes by itself: a site comes back, another run ends, a line holds long enough to read the journal.
_PASSING = frozenset({HostStatus.UNREACHABLE, HostStatus.BUSY, HostStatus.UNKNOWN})

# A site that rebooted is back within a minute or two; one that lost its uplink takes hours, and thousands of
# them must not be called all the time.
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 900.0
# The last try comes so long before the deadline, in place of a pause that would reach beyond it.
LAST_CALL_S = 10.0


def may_pass(outcome: HostOutcome) -> bool:
    """Tell whether a host that ended like this may end otherwise later."""
    return outcome.status in _PASSING and not outcome.is_final


def pause_s(attempts: int, left_s: float, chance: float) -> float | None:
    """Return how long to leave a host alone after so many attempts, or None where no time is left for another.

    `left_s` is the time to the deadline; `chance`, from 0 up to 1, takes up to half of the pause away, so
    that hosts that went away together do not come back together.
    """
    if left_s <= LAST_CALL_S:
        return None
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 16))
    return min(longest * (1 - chance / 2), left_s - LAST_CALL_S)
