"""How unlikely a division of hosts is by chance alone: Fisher's exact test, one-sided. Pure.

R. A. Fisher, Statistical Methods for Research Workers (1934), section 21.02; the tail of the hypergeometric
distribution. Nothing is approximated: a fleet of 20,000 hosts needs some thousand terms at most.
"""

from __future__ import annotations

import math

# A term this much smaller than the sum so far changes no digit of it.
_NEGLIGIBLE = 1e-17


def chance_of_so_many(drawn_with: int, drawn: int, having: int, total: int) -> float:
    """Return the probability that of `drawn` hosts out of `total`, `having` of which have a trait, so many have it.

    "So many" is `drawn_with` or more. The result is 0.0 below about 1e-308.
    """
    if drawn_with <= max(0, drawn + having - total):
        return 1.0
    term = math.exp(_log_term(drawn_with, drawn, having, total))
    chance = 0.0
    for count in range(drawn_with, min(drawn, having) + 1):
        chance += term
        following = (having - count) * (drawn - count)
        term *= following / ((count + 1) * (total - having - drawn + count + 1))
        if following < (count + 1) * (total - having - drawn + count + 1) and term < chance * _NEGLIGIBLE:
            break
    return min(chance, 1.0)


def _log_term(count: int, drawn: int, having: int, total: int) -> float:
    return _log_choose(having, count) + _log_choose(total - having, drawn - count) - _log_choose(total, drawn)


def _log_choose(of: int, some: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)
