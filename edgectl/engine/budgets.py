"""When a run must stop starting hosts, everywhere or in one failure domain. Pure, asked after every host."""

from __future__ import annotations

from collections import Counter

from edgectl.engine.outcome import HostStatus
from edgectl.engine.policy import Limit, Rollout, Share, count_of


def reason_to_stop(counts: Counter[HostStatus], total: int, rollout: Rollout) -> str:
    """Return which budget of the whole run is exceeded, in words, or an empty text.

    A budget of 2 % of 100 hosts bears two failed hosts and stops at the third. A budget of 0 stops at the
    first. Unknown counts as unreachable where it has no budget of its own: it may have happened, and we could
    not find out.
    """
    for name, said, count, limit in _counted(counts, rollout):
        if limit.fleet is not None and count > _allowed(limit.fleet, total):
            return (
                f"{count} hosts {said}, the budget allows {_allowed(limit.fleet, total)} of {total} ({name})"
            )
    return ""


def reason_to_close(counts: Counter[HostStatus], total: int, rollout: Rollout, domain: str) -> str:
    """Return which budget of one failure domain is exceeded, in words, or an empty text.

    `counts` and `total` are the domain's; the rest of the fleet goes on.
    """
    for name, said, count, limit in _counted(counts, rollout):
        if limit.domain is not None and count > _allowed(limit.domain, total):
            allowed = f"the budget allows {_allowed(limit.domain, total)} of {total}"
            return f"{count} hosts of {domain} {said}, {allowed} ({name} per domain)"
    return ""


def _counted(counts: Counter[HostStatus], rollout: Rollout) -> list[tuple[str, str, int, Limit]]:
    failed, unreachable = counts[HostStatus.FAILED], counts[HostStatus.UNREACHABLE]
    unknown = counts[HostStatus.UNKNOWN]
    if rollout.max_unknown == Limit():
        unreachable += unknown
    return [
        ("max_failed", "failed", failed, rollout.max_failed),
        ("max_unreachable", "are unreachable", unreachable, rollout.max_unreachable),
        ("max_unknown", "ended unknown", unknown, rollout.max_unknown),
    ]


def _allowed(share: Share, total: int) -> int:
    return 0 if share == 0 else count_of(share, total)
