"""The schedule: what it says step by step, and what holds for every small fleet under every policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edgectl.engine.domains import domains_of
from edgectl.engine.outcome import HostStatus
from edgectl.engine.policy import Limit, Rollout
from edgectl.engine.schedule import Answer, Begin, Done, Moment, Prove, Schedule, Setting, Start, Stop, Wait
from edgectl.inventory.model import Host
from tests.fakes.fleet import hosts_of
from tests.simulation import NEEDS, Simulation, a_fleet, feasible

OK, FAILED, UNREACHABLE = HostStatus.OK, HostStatus.FAILED, HostStatus.UNREACHABLE


class Walk:
    """A schedule asked step by step, at a time set by hand."""

    def __init__(self, hosts: list[Host], *, has_gate: bool = False, **rollout: Any) -> None:
        policy = Rollout(**rollout)
        setting = Setting(hosts, domains_of(hosts, policy, {}), policy, has_gate=has_gate)
        self.schedule = Schedule(hosts, setting)
        self.s = 0.0

    def next(self) -> Answer:
        answer = self.schedule.next(Moment(datetime(2026, 11, 23, tzinfo=UTC), self.s))
        if isinstance(answer, Start):
            self.schedule.started(answer.host.name)
        return answer

    def starts(self) -> list[str]:
        """Return who starts until nobody may."""
        names = []
        while isinstance(answer := self.next(), Start | Begin):
            if isinstance(answer, Start):
                names.append(answer.host.name)
        return names


def test_a_host_starts_as_soon_as_its_domain_has_room_whatever_others_do() -> None:
    walk = Walk(hosts_of({"fra1": 4, "gru1": 1}), max_out=1)

    assert walk.starts() == ["fra1-n01", "gru1-n01"]
    walk.schedule.ended("fra1-n01", OK)
    assert walk.starts() == ["fra1-n02"]


def test_a_host_that_failed_leaves_no_room_and_the_run_stops_when_nothing_else_can_start() -> None:
    walk = Walk(hosts_of({"fra1": 2, "gru1": 2}), max_out=1)
    walk.starts()
    walk.schedule.ended("fra1-n01", FAILED)
    walk.schedule.ended("gru1-n01", OK)

    assert walk.starts() == ["gru1-n02"]
    assert isinstance(walk.next(), Wait)
    walk.schedule.ended("gru1-n02", OK)
    assert walk.next() == Stop("1 hosts of PoP fra1 are out, max_out allows 1 of 2")


def test_a_budget_of_a_domain_closes_it_and_no_other() -> None:
    walk = Walk(hosts_of({"fra1": 3, "gru1": 3}), max_failed=Limit(domain=0), max_out=1)
    walk.starts()
    walk.schedule.ended("fra1-n01", FAILED)
    walk.schedule.ended("gru1-n01", OK)

    assert walk.starts() == ["gru1-n02"]
    walk.schedule.ended("gru1-n02", OK)
    assert walk.starts() == ["gru1-n03"]
    walk.schedule.ended("gru1-n03", OK)
    assert walk.next() == Stop("1 hosts of PoP fra1 failed, the budget allows 0 of 3 (max_failed per domain)")


def test_unknown_has_a_budget_of_its_own_where_one_is_given() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"max_unreachable": Limit(0)},
            "1 hosts are unreachable, the budget allows 0 of 2 (max_unreachable)",
        ),
        ({"max_unreachable": Limit(0), "max_unknown": Limit(1)}, ""),
        ({"max_unknown": Limit(0)}, "1 hosts ended unknown, the budget allows 0 of 2 (max_unknown)"),
    ]
    for limits, reason in cases:
        walk = Walk(hosts_of({"fra1": 2}), **limits)
        walk.starts()
        walk.schedule.ended("fra1-n01", HostStatus.UNKNOWN)
        answer = walk.next()
        assert (answer.reason if isinstance(answer, Stop) else "") == reason


def test_a_gate_is_asked_after_the_soak_with_the_hosts_that_ended_well() -> None:
    hosts = hosts_of({"fra1": 3})
    walk = Walk(hosts, has_gate=True, waves=[2, 1.0], soak_s=60)
    walk.starts()
    walk.schedule.ended("fra1-n01", FAILED)
    walk.schedule.ended("fra1-n02", OK)

    assert walk.next() == Wait(60, "wave 1 soaks")
    walk.s = 60
    assert walk.next() == Prove(1, [hosts[1]])
    assert walk.next() == Prove(1, [hosts[1]])
    walk.schedule.proved()
    assert walk.starts() == ["fra1-n03"]
    walk.schedule.ended("fra1-n03", OK)
    assert walk.next() == Done()


def test_a_deferred_canary_holds_the_run_and_a_deferred_host_does_not() -> None:
    walk = Walk(hosts_of({"fra1": 3}), canary=1, waves=[2, 1.0])
    assert walk.starts() == ["fra1-n01"]
    walk.schedule.deferred("fra1-n01", UNREACHABLE, 30)
    assert walk.next() == Wait(30, "the canary fra1-n01 is unreachable")
    walk.s = 30
    assert walk.starts() == ["fra1-n01"]
    walk.schedule.ended("fra1-n01", OK)

    assert walk.starts() == ["fra1-n02"]
    walk.schedule.deferred("fra1-n02", UNREACHABLE, 90)
    assert walk.starts() == ["fra1-n03"]
    walk.schedule.ended("fra1-n03", OK)
    assert walk.next() == Wait(60, "hosts that are away are tried again")


def test_a_busy_host_is_not_out_and_an_unreachable_one_is() -> None:
    walk = Walk(hosts_of({"fra1": 2}), max_out=1)
    walk.starts()
    walk.schedule.deferred("fra1-n01", HostStatus.BUSY, 90)
    assert walk.starts() == ["fra1-n02"]
    walk.schedule.deferred("fra1-n02", UNREACHABLE, 90)
    assert walk.next() == Wait(90, "hosts that are away are tried again")
    walk.s = 90
    assert walk.starts() == ["fra1-n02"]  # it is out already; the other one would be a second


percents = st.integers(10, 100)


@given(
    seed=st.integers(0, 10**6),
    sites=st.integers(1, 12),
    percent=percents,
    rollout=st.builds(
        Rollout,
        canary=st.integers(0, 3),
        waves=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=3),
        spread=st.just("metro"),
        min_out=st.integers(0, 2),
        soak_s=st.sampled_from([0.0, 600.0]),
        windowed=st.booleans(),
        max_failed=st.sampled_from([Limit(), Limit(0.2), Limit(domain=1)]),
        duration_s=st.just(NEEDS.total_seconds()),
    ),
    shares=st.tuples(st.floats(0, 0.3), st.floats(0, 0.3)),
    width=st.integers(1, 40),
)
def test_no_small_fleet_breaks_its_budget_its_windows_or_its_waves(
    seed: int, sites: int, percent: int, rollout: Rollout, shares: tuple[float, float], width: int
) -> None:
    rollout = replace(rollout, max_out=percent / 100)
    hosts = feasible(a_fleet(sites, seed, among=3), rollout)
    failing, away = shares
    simulation = Simulation(hosts, rollout, seed, failing=failing, away=away, width=width).run()

    assert simulation.wrongs(percent) == []
    assert simulation.stopped or len(simulation.ended) == len(simulation.fleet.hosts)
    assert len({trip.host.name for trip in simulation.trips}) >= len(simulation.ended)
