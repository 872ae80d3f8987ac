"""Stages of a host's life: which may follow which, and when one has lasted too long."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from edgectl.engine.lifecycle import Passage, Stage, is_stuck, may_follow
from tests.fakes.clock import START

LIFE = [
    Stage.PLANNED, Stage.ORDERED, Stage.DELIVERED, Stage.RACKED, Stage.DISCOVERED, Stage.PROVISIONING, Stage.ACCEPTED,
    Stage.IN_SERVICE, Stage.DRAINING, Stage.MAINTENANCE, Stage.PROVISIONING, Stage.FAILED, Stage.REPAIR, Stage.RMA,
    Stage.DELIVERED, Stage.RACKED, Stage.PROVISIONING, Stage.ACCEPTED, Stage.RETIRED,
]  # fmt: skip


def test_a_life_that_goes_well_and_badly_may_be() -> None:
    assert [may_follow(a, b) for a, b in itertools.pairwise(LIFE)] == [True] * (len(LIFE) - 1)


@pytest.mark.parametrize("stage", list(Stage))
def test_a_host_on_no_record_may_come_to_any_stage_and_stays_where_it_is(stage: Stage) -> None:
    assert may_follow(None, stage)
    assert may_follow(stage, stage)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Stage.PLANNED, Stage.PROVISIONING), (Stage.ORDERED, Stage.ACCEPTED), (Stage.RACKED, Stage.IN_SERVICE),
        (Stage.PROVISIONING, Stage.IN_SERVICE), (Stage.FAILED, Stage.IN_SERVICE), (Stage.RMA, Stage.PROVISIONING),
    ],
)  # fmt: skip
def test_no_stage_is_left_out(before: Stage, after: Stage) -> None:
    assert not may_follow(before, after, by_hand=True)


@pytest.mark.parametrize("after", [stage for stage in Stage if stage is not Stage.RETIRED])
def test_a_retired_host_stays_retired(after: Stage) -> None:
    assert not may_follow(Stage.RETIRED, after, by_hand=True)


@pytest.mark.parametrize("after", [stage for stage in Stage if stage is not Stage.QUARANTINED])
def test_only_a_person_ends_a_quarantine_and_only_where_a_host_is_looked_at_again(after: Stage) -> None:
    assert not may_follow(Stage.QUARANTINED, after)
    assert may_follow(Stage.QUARANTINED, after, by_hand=True) is (
        after in (Stage.RACKED, Stage.REPAIR, Stage.RETIRED)
    )


@pytest.mark.parametrize(
    ("stage", "hours", "stuck"),
    [(Stage.PROVISIONING, 2, False), (Stage.PROVISIONING, 4, True), (Stage.ACCEPTED, 9000, False)],
)
def test_a_host_is_stuck_where_it_should_not_be_for_so_long(stage: Stage, hours: int, *, stuck: bool) -> None:
    assert is_stuck(Passage("n1", stage, START, "ci"), START + timedelta(hours=hours)) is stuck
