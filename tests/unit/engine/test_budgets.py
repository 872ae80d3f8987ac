from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from edgectl.engine.budgets import reason_to_stop
from edgectl.engine.outcome import HostStatus
from edgectl.engine.policy import Limit, Rollout

FAILED, UNREACHABLE, UNKNOWN = HostStatus.FAILED, HostStatus.UNREACHABLE, HostStatus.UNKNOWN

STOPS = [
    ({}, {FAILED: 100}, ""),
    ({"max_failed": Limit(0)}, {}, ""),
    ({"max_failed": Limit(0)}, {FAILED: 1}, "1 hosts failed, the budget allows 0 of 100 (max_failed)"),
    ({"max_failed": Limit(0.0)}, {FAILED: 1}, "1 hosts failed, the budget allows 0 of 100 (max_failed)"),
    ({"max_failed": Limit(0.02)}, {FAILED: 2}, ""),
    ({"max_failed": Limit(0.02)}, {FAILED: 3}, "3 hosts failed, the budget allows 2 of 100 (max_failed)"),
    ({"max_failed": Limit(0.001)}, {FAILED: 1}, ""),
    ({"max_failed": Limit(5)}, {FAILED: 5, UNREACHABLE: 90}, ""),
    (
        {"max_unreachable": Limit(1)},
        {UNREACHABLE: 1, UNKNOWN: 1},
        "2 hosts are unreachable, the budget allows 1 of 100 (max_unreachable)",
    ),
    ({"max_unreachable": Limit(0.1)}, {FAILED: 100}, ""),
    (
        {"max_failed": Limit(0), "max_unreachable": Limit(0)},
        {FAILED: 1, UNREACHABLE: 1},
        "1 hosts failed, the budget allows 0 of 100 (max_failed)",
    ),
]


@pytest.mark.parametrize(("rollout", "counts", "reason"), STOPS)
def test_a_budget_bears_what_it_says_and_stops_at_the_next(
    rollout: dict[str, Any], counts: dict[HostStatus, int], reason: str
) -> None:
    assert reason_to_stop(Counter(counts), 100, Rollout(**rollout)) == reason
