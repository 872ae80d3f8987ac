"""Who goes back after a halt, which release a rollback leaves, what a look at the hosts finds: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.engine.service_records import ServiceChange, Turn
from edgectl.ops.deploy.reconcile import differences
from edgectl.ops.deploy.recording import turn_of
from edgectl.ops.deploy.rollback import leaving

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
