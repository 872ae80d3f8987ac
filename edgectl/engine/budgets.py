"""When a run must stop starting hosts. Pure, and asked again after every host."""

from __future__ import annotations

from collections import Counter

from edgectl.engine.outcome import HostStatus
from edgectl.engine.waves import Rollout, count_of


def reason_to_stop(counts: Counter[HostStatus], total: int, rollout: Rollout) -> str:
    """Return which budget is exceeded, in words, or an empty text.

    A budget of 2 % of 100 hosts bears two failed hosts and stops at the third. A budget of 0 stops at the
    first. Unknown counts as unreachable: it may have happened, and we could not find out.
    """
    failed = counts[HostStatus.FAILED]
    unreachable = counts[HostStatus.UNREACHABLE] + counts[HostStatus.UNKNOWN]
    if rollout.max_failed is not None and failed > _allowed(rollout.max_failed, total):
        allowed = _allowed(rollout.max_failed, total)
        return f"{failed} hosts failed, the budget allows {allowed} of {total} (max_failed)"
    if rollout.max_unreachable is not None and unreachable > _allowed(rollout.max_unreachable, total):
        allowed = _allowed(rollout.max_unreachable, total)
        return (
            f"{unreachable} hosts are unreachable, the budget allows {allowed} of {total} (max_unreachable)"
        )
    return ""


def _allowed(share: float, total: int) -> int:
    return 0 if share == 0 else count_of(share, total)
