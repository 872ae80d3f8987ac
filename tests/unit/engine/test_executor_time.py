"""Runs that go on for long: hosts that come back, deadlines, freezes, gates, windows, and runs taken up again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from edgectl.engine.deferral import pause_s
from edgectl.engine.events import HostDeferred, HostEnded, HostStarted, RunWaits, WaveStarted
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.outcome import HostOutcome, HostStatus, exit_code
from edgectl.engine.policy import Limit
from edgectl.engine.rules import Rules
from edgectl.errors import ExitCode
from edgectl.inventory.model import Host, Weekday, Window
from tests.fakes.clock import FakeClock
from tests.fakes.connector import REFUSED, Visit, whole
from tests.fakes.fleet import a_host, a_pop
from tests.unit.engine.test_executor import AWAY, FAILS, Ran, _hosts

BACK_LATER: Sequence[Visit] = (REFUSED, REFUSED, whole("changed"))
HOUR = 3600.0


def _was(name: str, status: HostStatus) -> HostOutcome:
    return HostOutcome(name, "fra1", status, "as it was")


def test_a_host_that_comes_back_before_the_deadline_ends_as_it_ends_then() -> None:
    ran = Ran([_hosts(3)], {"n1": BACK_LATER}, converge=True, deadline_s=HOUR)

    assert ran.statuses == {"n1": "changed", "n2": "ok", "n3": "ok"}
    assert ran.started == ["n1", "n2", "n3", "n1", "n1"]
    assert [(told.host, told.again_in_s) for told in ran.witness.of(HostDeferred)] == [("n1", 30), ("n1", 60)]
    assert [told.outcome.host for told in ran.witness.of(HostEnded)] == ["n2", "n3", "n1"]
    assert exit_code(ran.outcome) is ExitCode.DONE


def test_a_host_that_stays_away_ends_as_it_last_ended_when_the_deadline_is_over() -> None:
    ran = Ran([_hosts(2)], {"n1": AWAY}, converge=True, deadline_s=HOUR)

    assert ran.statuses == {"n1": "unreachable", "n2": "ok"}
    assert [told.outcome.host for told in ran.witness.of(HostEnded)] == ["n2", "n1"]
    assert HOUR - 60 < ran.clock.seconds <= HOUR
    assert exit_code(ran.outcome) is ExitCode.UNREACHABLE
    assert ran.outcome.stopped == ""


def test_hosts_that_are_deferred_spend_no_budget_before_the_deadline() -> None:
    script = {"n1": BACK_LATER, "n2": BACK_LATER}
    ran = Ran([_hosts(4)], script, converge=True, deadline_s=HOUR, max_unreachable=Limit(0))

    assert set(ran.statuses.values()) == {"changed", "ok"}


def test_a_refused_login_is_never_tried_again() -> None:
    refused = HostFault(FaultKind.AUTH, "permission denied")
    ran = Ran([_hosts(1)], {"n1": (refused, whole())}, converge=True, deadline_s=HOUR)

    assert ran.statuses == {"n1": "unreachable"}
    assert ran.started == ["n1"]


def test_without_the_wish_to_converge_nobody_is_tried_twice() -> None:
    ran = Ran([_hosts(1)], {"n1": BACK_LATER}, deadline_s=HOUR)

    assert ran.statuses == {"n1": "unreachable"}


def test_an_interrupt_ends_deferred_hosts_as_they_last_ended() -> None:
    clock = FakeClock()
    rules = Rules(lambda: int(clock.seconds > 10))
    ran = Ran([_hosts(1)], {"n1": AWAY}, clock=clock, rules=rules, converge=True, deadline_s=HOUR)

    assert ran.statuses == {"n1": "unreachable"}
    assert clock.seconds < 15
    assert exit_code(ran.outcome) is ExitCode.INTERRUPTED


def test_pauses_grow_are_spread_by_chance_and_end_before_the_deadline() -> None:
    assert [pause_s(attempts, 1e6, 0.0) for attempts in (1, 2, 3, 6, 99)] == [30, 60, 120, 900, 900]
    assert pause_s(1, 1e6, 0.5) == 22.5
    assert pause_s(6, 100, 0.0) == 90
    assert pause_s(1, 10, 0.0) is None


def test_nothing_starts_after_the_deadline_and_what_still_runs_is_left_to_itself() -> None:
    slow: Sequence[Visit] = ([10 * 60.0, *whole()],)
    ran = Ran([_hosts(4)], {f"n{number}": slow for number in range(1, 5)}, deadline_s=15 * 60)

    assert ran.statuses == {"n1": "ok", "n2": "unknown", "n3": "not_run", "n4": "not_run"}
    assert ran.outcome.stopped == "the run's deadline is over"
    assert exit_code(ran.outcome) is ExitCode.STOPPED


def test_a_soak_that_ends_after_the_deadline_is_not_waited_for() -> None:
    ran = Ran([_hosts(2)], waves=[1, 1.0], soak_s=2 * HOUR, deadline_s=HOUR)

    assert ran.clock.seconds == 0
    assert ran.outcome.stopped == "the run's deadline comes first: wave 1 soaks"


def test_a_freeze_stops_new_hosts() -> None:
    words = iter(["", "", "frozen by ops: black Friday"])
    ran = Ran([_hosts(4)], rules=Rules(frozen=lambda: next(words)))

    assert list(ran.statuses.values()) == ["ok", "ok", "not_run", "not_run"]
    assert ran.outcome.stopped == "frozen by ops: black Friday"
    assert exit_code(ran.outcome) is ExitCode.STOPPED


def test_a_gate_that_does_not_pass_stops_the_run_before_the_next_wave() -> None:
    asked: list[list[str]] = []

    def gate(hosts: Sequence[Host]) -> str:
        asked.append([host.name for host in hosts])
        return "n3: too hot" if len(asked) == 2 else ""

    ran = Ran([_hosts(4)], {"n2": FAILS}, rules=Rules(gate=gate), waves=[2, 3, 1.0])

    assert asked == [["n1"], ["n3"]]
    assert ran.statuses == {"n1": "ok", "n2": "failed", "n3": "ok", "n4": "not_run"}
    assert ran.outcome.stopped == "the gate behind wave 2 did not pass: n3: too hot"
    assert exit_code(ran.outcome) is ExitCode.STOPPED


def test_a_last_wave_that_is_to_be_proved_soaks_and_passes_the_gate_too() -> None:
    asked: list[list[str]] = []

    def gate(hosts: Sequence[Host]) -> str:
        asked.append([host.name for host in hosts])
        return "n3: too slow" if len(asked) == 2 else ""

    ran = Ran([_hosts(3)], rules=Rules(gate=gate), waves=[1, 1.0], soak_s=60.0, proves_last=True)

    assert asked == [["n1"], ["n2", "n3"]]
    assert ran.clock.seconds == 120
    assert (ran.outcome.stopped, ran.outcome.halted) == (
        "the gate behind wave 2 did not pass: n3: too slow",
        True,
    )
    assert exit_code(ran.outcome) is ExitCode.STOPPED


def test_a_deadline_that_comes_after_the_last_host_halts_nothing() -> None:
    ran = Ran([_hosts(2)], deadline_s=30.0, soak_s=60.0, proves_last=True)

    assert (ran.outcome.stopped, ran.outcome.halted) == ("", False)
    assert exit_code(ran.outcome) is ExitCode.DONE


def test_a_window_that_is_closed_is_waited_for_and_told_once() -> None:
    # The run starts on Monday, 2026-11-23, at 09:00 UTC.
    night = Window((Weekday.TUE,), dt.time(1), 2)
    asleep = a_host("n1", pop=replace(a_pop(), window=night))
    awake = a_host("n2", pop=a_pop("gru1", "GRU"))
    ran = Ran([[asleep, awake]], windowed=True)

    assert ran.started == ["n2", "n1"]
    assert ran.clock.seconds == 15 * HOUR
    assert [(told.reason, told.seconds) for told in ran.witness.of(RunWaits)] == [
        ("the window of fra1 opens at 2026-11-24 00:00 UTC", 15 * HOUR)
    ]


def test_hosts_that_have_their_outcome_are_not_run_again_and_are_in_the_report() -> None:
    ended = {"n1": _was("n1", HostStatus.CHANGED), "n3": _was("n3", HostStatus.FAILED)}
    ran = Ran([_hosts(4)], ended=ended, waves=[2, 1.0])

    assert ran.started == ["n2", "n4"]
    assert ran.statuses == {"n1": "changed", "n2": "ok", "n3": "failed", "n4": "ok"}
    assert [told.outcome.host for told in ran.witness.of(HostEnded)] == ["n2", "n4"]
    assert ran.outcome.hosts[0].reason == "as it was"


def test_hosts_that_have_their_outcome_count_in_the_budgets() -> None:
    ended = {"n1": _was("n1", HostStatus.FAILED), "n2": _was("n2", HostStatus.FAILED)}
    ran = Ran([_hosts(4)], ended=ended, max_failed=Limit(1))

    assert ran.started == []
    assert ran.outcome.stopped == "2 hosts failed, the budget allows 1 of 4 (max_failed)"

    ran = Ran([_hosts(4)], ended={"n1": _was("n1", HostStatus.UNKNOWN)}, max_out=1)

    assert ran.started == []
    assert "1 hosts of PoP fra1 are out" in ran.outcome.stopped


def test_waves_that_were_proved_are_not_proved_again_and_the_last_one_is() -> None:
    asked: list[list[str]] = []

    def gate(hosts: Sequence[Host]) -> str:
        asked.append([host.name for host in hosts])
        return ""

    whole_waves = {f"n{number}": _was(f"n{number}", HostStatus.OK) for number in (1, 2)}
    ran = Ran([_hosts(3)], ended=whole_waves, rules=Rules(gate=gate), waves=[1, 2, 3], soak_s=60.0)

    assert (asked, ran.clock.seconds, ran.started) == ([["n2"]], 60, ["n3"])
    assert [(wave.number, wave.of, wave.hosts) for wave in ran.witness.of(WaveStarted)] == [(3, 3, 1)]


def test_a_run_taken_up_again_when_all_is_done_contacts_nobody() -> None:
    ended = {host.name: _was(host.name, HostStatus.OK) for host in _hosts(3)}
    ran = Ran([_hosts(3), _hosts(3)], ended=ended, canary=1)

    assert ran.witness.of(HostStarted) == []
    assert set(ran.statuses.values()) == {"ok"}
    assert exit_code(ran.outcome) is ExitCode.DONE
