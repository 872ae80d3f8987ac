"""Who goes back after a halt, which release a rollback leaves, what a look at the hosts finds: pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edgectl.engine.executor import Plan
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus, exit_code
from edgectl.engine.policy import Limit, Rollout
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.errors import ExitCode
from edgectl.ops.deploy.halting import to_go_back
from edgectl.ops.deploy.reconcile import differences
from edgectl.ops.deploy.recording import turn_of
from edgectl.ops.deploy.rollback import leaving
from edgectl.ops.deploy.spec_care import OnHalt
from edgectl.ops.rollout import Prepared
from edgectl.playbook.model import Playbook
from tests.fakes.fleet import a_host, work_for

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def ended(name: str, status: HostStatus, module: str = "service_swap", **result: Any) -> HostOutcome:
    task = TaskRecord("swap", module, TaskStatus.CHANGED, 1.0, result)
    return HostOutcome(name, "fra1", status, tasks=[task])


def looked(*states: tuple[str, float, str | None]) -> RunOutcome:
    hosts = [
        ended(f"n{number}", HostStatus.OK, "service_rollback", release=release, since=since, left=left)
        for number, (release, since, left) in enumerate(states)
    ]
    return RunOutcome("run", hosts, 1.0)


@pytest.mark.parametrize(
    ("states", "left"),
    [
        ([("new", 9, None), ("new", 8, None)], "new"),
        ([("new", 9, None), ("old", 1, None)], "new"),
        ([("old", 9, "new"), ("new", 5, None)], "new"),
        ([("old", 9, "new"), ("old", 8, "new")], ""),
        ([("newer", 9, None), ("old", 5, "new")], "newer"),
    ],
    ids=["all", "a halted canary", "half way back", "back already", "a halt after a rollback"],
)
def test_a_rollback_leaves_the_release_that_came_last_and_goes_on_where_it_was_killed(
    states: list[tuple[str, float, str | None]], left: str
) -> None:
    assert leaving(looked(*states)) == left


@pytest.mark.parametrize(
    ("host", "turn"),
    [
        (ended("n", HostStatus.CHANGED, release="r-1"), Turn.LIVE),
        (ended("n", HostStatus.CHANGED, "service_rollback", release="r-1", left="r-2"), Turn.ROLLED_BACK),
        (ended("n", HostStatus.FAILED, release="r-1"), Turn.FAILED),
        (ended("n", HostStatus.FAILED, release="r-1", quarantined=True), Turn.QUARANTINED),
        (ended("n", HostStatus.CHANGED, release="r-1", drained_out=True), Turn.DRAINED),
        (ended("n", HostStatus.OK, release="r-1"), None),
        (HostOutcome("n", "fra1", HostStatus.UNREACHABLE), None),
    ],
)
def test_what_happened_at_a_host_is_remembered_by_its_name(host: HostOutcome, turn: Turn | None) -> None:
    assert turn_of(host) is turn


def known(host: str, release: str, turn: Turn = Turn.LIVE) -> ServiceChange:
    return ServiceChange("chat", host, release, turn, NOW, "me")


def test_a_look_finds_what_is_other_than_was_known_and_asks_nothing_of_hosts_it_did_not_see() -> None:
    seen: dict[str, dict[str, Any]] = {
        "same": {"chat": {"release": "r-1", "serving": True}},
        "other": {"chat": {"release": "r-2", "serving": True}},
        "new": {"chat": {"release": "r-1", "serving": True}},
        "drained": {"chat": {"release": "r-1", "serving": False}},
        "gone": {},
    }
    before = [known(host, "r-1") for host in ("same", "other", "drained", "gone", "unseen")]
    found = {host: (release, reason) for host, _, release, reason in differences(before, seen)}
    assert found == {
        "drained": ("r-1", "does not serve"),
        "gone": ("", "has nothing, and r-1 was known"),
        "new": ("r-1", "has r-1, and nothing was known"),
        "other": ("r-2", "has r-2, and r-1 was known"),
    }


@pytest.mark.parametrize(
    ("on_halt", "back"),
    [(OnHalt.HOLD, []), (OnHalt.ROLLBACK_WAVE, ["n3"]), (OnHalt.ROLLBACK_ALL, ["n1", "n2", "n3"])],
)
def test_a_failure_in_the_last_wave_is_halted_as_in_any_other(on_halt: OnHalt, back: list[str]) -> None:
    outcome = halted_in_the_last_wave()

    assert exit_code(outcome) is ExitCode.STOPPED
    assert list(to_go_back(on_halt, Prepared(PLAN, NOW, Playbook(Path("p.yaml"), ())), outcome)) == back


def test_a_run_that_a_freeze_or_a_deadline_stopped_takes_nobody_back() -> None:
    outcome = replace(halted_in_the_last_wave(), halted=False)
    prepared = Prepared(PLAN, NOW, Playbook(Path("p.yaml"), ()))

    assert to_go_back(OnHalt.ROLLBACK_ALL, prepared, outcome) == ()


HOSTS = [a_host(f"n{number}") for number in range(1, 5)]
PLAN = Plan(
    "R1",
    "deploy apply",
    [work_for(HOSTS)],
    Rollout(canary=1, waves=[2, 1.0], max_failed=Limit(0), proves_last=True),
)


def halted_in_the_last_wave() -> RunOutcome:
    """Three hosts went over, the last one of the last wave did not."""
    hosts = [ended(host.name, HostStatus.CHANGED, release="r-2", previous="r-1") for host in HOSTS[:3]]
    hosts.append(ended("n4", HostStatus.FAILED, release="r-1"))
    return RunOutcome(
        "R1", hosts, 1.0, stopped="1 hosts failed, the budget allows 0 of 4 (max_failed)", halted=True
    )
