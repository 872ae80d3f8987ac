from __future__ import annotations

import pytest

from edgectl.engine.outcome import (
    HostOutcome,
    HostStatus,
    RunOutcome,
    TaskRecord,
    TaskStatus,
    exit_code,
    joined,
)
from edgectl.errors import ExitCode

OK, CHANGED, FAILED = HostStatus.OK, HostStatus.CHANGED, HostStatus.FAILED
UNREACHABLE, UNKNOWN, BUSY = HostStatus.UNREACHABLE, HostStatus.UNKNOWN, HostStatus.BUSY

CODES = [
    ([], 0),
    ([OK, CHANGED, HostStatus.SKIPPED], 0),
    ([OK, UNREACHABLE], 5),
    ([OK, UNKNOWN], 5),
    ([UNREACHABLE, BUSY], 7),
    ([UNREACHABLE, BUSY, FAILED], 4),
    ([UNREACHABLE, FAILED], 4),
]


def _ended(*statuses: HostStatus, **more: object) -> RunOutcome:
    hosts = [HostOutcome(f"n{number}", "fra1", status) for number, status in enumerate(statuses)]
    return RunOutcome("R1", hosts, 1.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("statuses", "code"), CODES)
def test_the_worst_host_decides_and_unreachable_never_hides_failed(
    statuses: list[HostStatus], code: int
) -> None:
    assert exit_code(_ended(*statuses)) == code


def test_a_stop_comes_before_failed_hosts_and_an_interrupt_before_that() -> None:
    assert exit_code(_ended(FAILED, BUSY, UNREACHABLE, stopped="max_failed")) is ExitCode.STOPPED
    assert exit_code(_ended(FAILED, stopped="interrupted", interrupted=True)) is ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [(OK, OK, OK), (CHANGED, OK, CHANGED), (OK, CHANGED, CHANGED), (CHANGED, FAILED, FAILED)],
)
def test_two_stages_of_a_host_are_one_outcome(
    before: HostStatus, after: HostStatus, whole: HostStatus
) -> None:
    def stage(status: HostStatus, name: str) -> HostOutcome:
        task = TaskRecord(name, "ping", TaskStatus.OK, 0.1, {})
        return HostOutcome("n1", "fra1", status, seconds=1.5, tasks=(task,))

    ended = joined(stage(before, "first"), stage(after, "second"))

    assert (ended.status, ended.seconds) == (whole, 3.0)
    assert [task.name for task in ended.tasks] == ["first", "second"]


def test_the_last_result_of_a_module_is_the_one_that_counts() -> None:
    tasks = [TaskRecord("t", "shell", TaskStatus.OK, 0.1, {"rc": rc}) for rc in (1, 2)]
    host = HostOutcome("n1", "fra1", OK, tasks=tasks)

    assert host.result_of("shell") == {"rc": 2}
    assert host.result_of("copy") is None
