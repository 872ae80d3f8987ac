"""What happened to a service on a host is a stage in the host's life, or none."""

from __future__ import annotations

import pytest

from edgectl.engine.lifecycle import Stage
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.ops.deploy.lives import passages_of
from tests.fakes.clock import START


@pytest.mark.parametrize(
    ("turn", "stage"),
    [
        (Turn.LIVE, Stage.IN_SERVICE),
        (Turn.ROLLED_BACK, Stage.IN_SERVICE),
        (Turn.UNDRAINED, Stage.IN_SERVICE),
        (Turn.DRAINED, Stage.DRAINING),
        (Turn.QUARANTINED, Stage.QUARANTINED),
        (Turn.FAILED, None),
        (Turn.SEEN, None),
        (Turn.REMOVED, None),
    ],
)
def test_a_host_is_where_its_service_is(turn: Turn, stage: Stage | None) -> None:
    found = passages_of([ServiceChange("chat", "n1", "r-1", turn, START, "ci", run="R1", reason="why")])

    assert [(one.host, one.stage, one.reason, one.run) for one in found] == (
        [] if stage is None else [("n1", stage, "why", "R1")]
    )
