"""Whole runs on scripted hosts: what is started, what stops it, and that nobody is forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.engine.events import (
    HostEnded,
    HostStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopped,
    WaveStarted,
)
from edgectl.engine.executor import Executor, Plan
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, exit_code
from edgectl.engine.policy import Limit, Rollout
from edgectl.engine.ports import Observer
from edgectl.engine.rules import Rules
from edgectl.errors import ExitCode
from edgectl.inventory.model import Host
from tests.fakes.clock import FakeClock
from tests.fakes.connector import REFUSED, FakeConnector, Visit, whole
from tests.fakes.fleet import a_host, hosts_of, work_for
from tests.fakes.observers import Broken, Witness
from tests.fakes.pool import InlinePool


class Ran:
    """A run from its plan to its outcome."""

    def __init__(
        self,
        stages: Sequence[Sequence[Host]],
        script: Mapping[str, Sequence[Visit]] | None = None,
        *,
        observers: Sequence[Observer] = (),
        clock: FakeClock | None = None,
        rules: Rules | None = None,
        deadline_s: float | None = None,
        converge: bool = False,
        ended: Mapping[str, HostOutcome] | None = None,
        **rollout: Any,
    ) -> None:
        clock = clock or FakeClock()
        self.clock = clock
        self.witness = Witness()
        self.connector = FakeConnector(script, clock)
        work = [work_for(hosts, stage=number) for number, hosts in enumerate(stages)]
        plan = Plan(
            "R1",
            "run",
            work,
            Rollout(**rollout),
            "ci from build-7",
            {"playbook": "p.yaml"},
            ended=ended or {},
            deadline_s=deadline_s,
            converge=converge,
        )
        pool = InlinePool(self.connector, clock)
        executor = Executor(pool, [*observers, self.witness], clock, rules)
        self.outcome: RunOutcome = executor.execute(plan)

    @property
    def statuses(self) -> dict[str, str]:
        return {host.host: host.status.value for host in self.outcome.hosts}

    @property
    def started(self) -> list[str]:
        return [event.host for event in self.witness.of(HostStarted)]


def _hosts(count: int) -> list[Host]:
    return [a_host(f"n{number}") for number in range(1, count + 1)]


FAILS: Sequence[Visit] = (whole("failed", "no space"),)
AWAY: Sequence[Visit] = (REFUSED,)


def test_a_run_tells_its_beginning_each_wave_each_host_and_its_end() -> None:
    ran = Ran([_hosts(2)])

    kinds = [type(event) for event in ran.witness.events if isinstance(event, _TOLD)]
    assert kinds == [RunStarted, WaveStarted, HostStarted, HostEnded, HostStarted, HostEnded, RunEnded]
    (begun,) = ran.witness.of(RunStarted)
    assert (begun.run, begun.hosts, begun.started_by) == ("R1", ["n1", "n2"], "ci from build-7")
    assert exit_code(ran.outcome) is ExitCode.DONE


_TOLD = (RunStarted, WaveStarted, HostStarted, HostEnded, RunStopped, RunEnded)


def test_no_hosts_make_a_run_that_is_done() -> None:
    assert Ran([]).statuses == {}
    assert exit_code(Ran([[]]).outcome) is ExitCode.DONE


def test_without_a_budget_every_host_is_tried() -> None:
    ran = Ran([_hosts(4)], {"n1": FAILS, "n2": AWAY})

    assert ran.statuses == {"n1": "failed", "n2": "unreachable", "n3": "ok", "n4": "ok"}
    assert exit_code(ran.outcome) is ExitCode.FAILED


def test_a_budget_stops_new_hosts_at_once_and_says_which_it_was() -> None:
    ran = Ran([_hosts(4)], {"n1": FAILS, "n2": FAILS}, max_failed=Limit(1))

    assert ran.statuses == {"n1": "failed", "n2": "failed", "n3": "not_run", "n4": "not_run"}
    assert ran.outcome.stopped == "2 hosts failed, the budget allows 1 of 4 (max_failed)"
    assert exit_code(ran.outcome) is ExitCode.STOPPED
    assert "max_failed" in ran.outcome.hosts[2].reason
    assert "n3" not in ran.connector.visits


def test_a_budget_spent_by_the_last_host_stopped_nothing() -> None:
    ran = Ran([_hosts(2)], {"n2": FAILS}, max_failed=Limit(0))

    assert ran.outcome.stopped == ""
    assert exit_code(ran.outcome) is ExitCode.FAILED


def test_a_budget_spent_by_the_last_host_halts_where_the_last_wave_is_to_be_proved() -> None:
    ran = Ran([_hosts(2)], {"n2": FAILS}, max_failed=Limit(0), proves_last=True)

    assert (ran.outcome.stopped, ran.outcome.halted) == (
        "1 hosts failed, the budget allows 0 of 2 (max_failed)",
        True,
    )
    assert exit_code(ran.outcome) is ExitCode.STOPPED


def test_an_ill_canary_stops_the_run_whatever_the_budgets_bear() -> None:
    ran = Ran([_hosts(3)], {"n1": AWAY}, canary=1, max_unreachable=Limit(3))

    assert ran.started == ["n1"]
    assert ran.outcome.stopped == "the canary n1 ended as unreachable"


def test_a_well_canary_lets_the_others_follow() -> None:
    ran = Ran([_hosts(3)], canary=1)

    assert [(wave.hosts, wave.canary) for wave in ran.witness.of(WaveStarted)] == [(1, True), (2, False)]


def test_a_host_that_did_not_end_well_is_left_out_of_the_next_stage() -> None:
    hosts = _hosts(3)
    ran = Ran([hosts, hosts], {"n2": FAILS})

    assert ran.statuses == {"n1": "ok", "n2": "failed", "n3": "ok"}
    assert ran.started == ["n1", "n2", "n3", "n1", "n3"]


def test_a_change_in_an_early_stage_is_a_change_of_the_run() -> None:
    ran = Ran([_hosts(1), _hosts(1)], {"n1": (whole("changed"), whole("ok"))})

    assert ran.statuses == {"n1": "changed"}
    assert len(ran.outcome.hosts[0].tasks) == 2


def test_a_host_whose_later_plays_were_not_started_is_not_called_done() -> None:
    hosts = _hosts(2)
    ran = Ran([hosts, hosts], {"n1": (whole("changed"),), "n2": FAILS}, max_failed=Limit(0))

    assert ran.statuses == {"n1": "not_run", "n2": "failed"}
    assert ran.outcome.hosts[0].reason.endswith("its earlier plays ended as changed")
    assert len(ran.outcome.hosts[0].tasks) == 1
    assert exit_code(ran.outcome) is ExitCode.STOPPED


def test_an_interrupt_starts_no_new_hosts() -> None:
    count = 0

    def on_event(event: RunEvent) -> None:
        nonlocal count
        count += isinstance(event, HostEnded)

    ran = Ran([_hosts(3)], observers=[Witness(on_event)], rules=Rules(lambda: count))

    assert ran.statuses == {"n1": "ok", "n2": "not_run", "n3": "not_run"}
    assert exit_code(ran.outcome) is ExitCode.INTERRUPTED


def test_waves_soak_but_the_last_one_does_not() -> None:
    ran = Ran([_hosts(4)], waves=[0.5, 1.0], soak_s=300.0)

    assert ran.clock.seconds == 300.0


def test_an_interrupt_ends_a_soak_at_once() -> None:
    clock = FakeClock()
    ran = Ran(
        [_hosts(2)], clock=clock, rules=Rules(lambda: int(clock.seconds > 10)), waves=[1, 1.0], soak_s=3600.0
    )

    assert ran.clock.seconds < 12
    assert ran.statuses == {"n1": "ok", "n2": "not_run"}


def test_a_stopped_run_does_not_soak() -> None:
    ran = Ran([_hosts(2)], {"n1": FAILS}, waves=[1, 1.0], soak_s=3600.0, max_failed=Limit(0))

    assert ran.clock.seconds < 1


def test_a_broken_observer_stops_neither_the_run_nor_the_others() -> None:
    ran = Ran([_hosts(2)], observers=[Broken()])

    assert ran.statuses == {"n1": "ok", "n2": "ok"}
    assert len(ran.witness.of(HostEnded)) == 2


@pytest.mark.parametrize("width", [1, 3])
def test_an_outcome_is_told_before_the_next_host_is_admitted(width: int) -> None:
    ran = Ran([_hosts(width)], {f"n{number}": FAILS for number in range(1, width + 1)}, max_failed=Limit(0))

    assert ran.started == ["n1"]


ENDINGS: dict[str, Visit] = {
    "ok": whole(),
    "changed": whole("changed"),
    "failed": whole("failed"),
    "unreachable": REFUSED,
}
budgets = st.none() | st.integers(0, 3) | st.floats(0.0, 1.0)


@given(
    fleet=st.dictionaries(st.sampled_from(["fra1", "gru1", "ams1"]), st.integers(1, 5)).map(hosts_of),
    endings=st.lists(st.sampled_from(sorted(ENDINGS)), min_size=15, max_size=15),
    stages=st.integers(1, 2),
    rollout=st.fixed_dictionaries(
        {
            "canary": st.integers(0, 2),
            "max_failed": budgets.map(Limit),
            "max_unreachable": budgets.map(Limit),
            "max_out": st.none() | st.integers(1, 3),
            "waves": st.lists(st.floats(0.1, 1.0), min_size=1, max_size=3),
        }
    ),
)
def test_every_planned_host_has_exactly_one_outcome_whatever_happens(
    fleet: list[Host], endings: list[str], stages: int, rollout: dict[str, Any]
) -> None:
    script = {host.name: (ENDINGS[ending],) for host, ending in zip(fleet, endings, strict=False)}
    ran = Ran([fleet] * stages, script, **rollout)

    assert [host.host for host in ran.outcome.hosts] == [host.name for host in fleet]
    assert all(count <= stages for count in Counter(ran.started).values())
    for host in ran.outcome.hosts:
        came = ran.started.count(host.host)
        expected = endings[[planned.name for planned in fleet].index(host.host)]
        complete = came == stages or expected in ("failed", "unreachable")
        assert host.status == (expected if came and complete else HostStatus.NOT_RUN)
