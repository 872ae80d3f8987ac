"""Rollouts over 4,400 sites on a clock turned by hand, judged by a checker that knows no scheduler."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgectl.engine.policy import Limit, Rollout
from tests import overseer
from tests.simulation import NEEDS, Simulation, a_fleet, feasible

POLICY = Rollout(
    canary=5,
    waves=[0.05, 0.25, 1.0],
    spread="metro",
    max_out=0.2,
    soak_s=1800,
    windowed=True,
    duration_s=NEEDS.total_seconds(),
)


@pytest.mark.parametrize("seed", range(3))
def test_no_metro_of_4400_sites_ever_has_more_out_than_its_budget_nor_works_outside_its_window(
    seed: int,
) -> None:
    """Hosts that are away are tried again until they have ended; then every host has ended, and once."""
    hosts = feasible(a_fleet(4400, seed), POLICY)
    simulation = Simulation(hosts, POLICY, seed).run()

    assert simulation.wrongs(percent=20) == []
    assert len(simulation.ended) == len(simulation.fleet.hosts) > 10_000
    assert simulation.stopped == ""


def test_hosts_that_failed_stay_out_of_their_metro_and_spend_the_budget_of_the_run() -> None:
    rollout = replace(POLICY, min_out=1, max_failed=Limit(10))
    simulation = Simulation(a_fleet(4400, 7), rollout, 7, failing=0.004).run()

    assert simulation.wrongs(percent=20) == []
    assert "max_failed" in simulation.stopped
    assert list(overseer.started_beyond(simulation.trips, simulation.failed, 10)) == []


def test_nobody_waits_without_a_reason() -> None:
    """A sliding window: where there is room for a host and time enough, it has started."""
    rollout = replace(POLICY, canary=0, waves=[1.0], soak_s=0.0)
    hosts = feasible(a_fleet(300, 3), rollout)
    simulation = Simulation(hosts, rollout, 3, away=0.0, width=10_000).run()

    assert simulation.looks
    for moment, count in simulation.looks:
        idle = overseer.could_have_started(simulation.fleet, simulation.trips[:count], moment, 20, NEEDS)
        assert list(idle) == []
