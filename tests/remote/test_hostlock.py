"""One lock per machine: who has it, who may share it, and who is told what."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from edgectl.remote import hostlock
from edgectl.remote.context import HostPaths, host_paths
from edgectl.remote.hostlock import Holder, HostLock
from edgectl.remote.protocol import Busy
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, end_of, shell


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


@pytest.fixture
def paths(tmp_path: Path) -> HostPaths:
    return host_paths({"EDGECTL_HOST_ROOT": str(tmp_path)}, os.geteuid())


def _in_a_child(paths: HostPaths, holder: Holder, *, shared: bool = False) -> int:
    """Take the lock in another process, which keeps it until it is killed."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        hostlock.take(paths, holder, shared=shared)
        os.write(tell, b"x")
        time.sleep(60)
        os._exit(0)
    os.read(told, 1)
    return child


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_the_lock_goes_with_its_holder_however_that_ends(paths: HostPaths) -> None:
    child = _in_a_child(paths, Holder("R1", "R1", "alice"))
    refused = hostlock.take(paths, Holder("R2", "R2", "bob"), shared=False)
    assert isinstance(refused, Holder)
    assert (refused.run, refused.by) == ("R1", "alice")
    _end(child)

    assert isinstance(hostlock.take(paths, Holder("R2", "R2", "bob"), shared=False), HostLock)


@pytest.mark.parametrize(
    ("held_shared", "wanted_shared", "free"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_readers_share_the_lock_and_a_changer_has_it_alone(
    paths: HostPaths, held_shared: bool, wanted_shared: bool, free: bool
) -> None:
    child = _in_a_child(paths, Holder("R1", "R1", "alice"), shared=held_shared)
    found = hostlock.take(paths, Holder("R2", "R2", "bob"), shared=wanted_shared)
    _end(child)

    assert isinstance(found, HostLock) is free


def test_jobs_of_one_run_are_not_in_each_others_way(paths: HostPaths) -> None:
    child = _in_a_child(paths, Holder("R1", "R1", "alice"))
    found = hostlock.take(paths, Holder("R1", "R1.1", "alice"), shared=True)
    _end(child)

    assert isinstance(found, HostLock)


def test_a_record_that_lies_about_another_process_is_not_believed(paths: HostPaths) -> None:
    child = _in_a_child(paths, Holder("R1", "R1", "alice"))
    forged = Path(paths.holders) / "edgectl-holder-999999999"
    forged.write_text(json.dumps(Holder("R2", "R2", "mallory")))
    found = hostlock.take(paths, Holder("R2", "R2", "bob"), shared=False)
    _end(child)

    assert isinstance(found, Holder)
    assert found.by == "alice"


def test_the_second_run_is_told_which_task_holds_the_host_and_since_when(host: BundledHost) -> None:
    process = host.start(a_job([shell(1, "touch started; sleep 1", "migrate")], started_by="ci from build-7"))
    host.wait_for(host.folder / "started")
    (busy,) = host.run(a_job([shell(1, "touch other")], run="R2")).of(Busy)
    end_of(process)

    assert (busy.holder["run"], busy.holder["task"]) == ("R1", "migrate")
    assert busy.holder["by"] == "ci from build-7"
    assert 0 <= busy.holder["held_s"] < 30
    assert not (host.folder / "other").exists()


def test_a_host_that_reboots_for_a_run_is_that_runs_until_it_is_back(paths: HostPaths) -> None:
    hostlock.expect_reboot(paths, Holder("R1", "R1", "alice", "reboot"), 600)
    refused = hostlock.take(paths, Holder("R2", "R2", "bob"), shared=False)
    own = hostlock.take(paths, Holder("R1", "R1", "alice"), shared=False)
    hostlock.reboot_is_over(paths)

    assert isinstance(refused, Holder)
    assert (refused.by, refused.task) == ("alice", "reboot")
    assert isinstance(own, HostLock)


@pytest.mark.parametrize("until", [-1.0, 10 * 86400.0])
def test_a_reboot_that_takes_too_long_or_a_clock_that_jumped_blocks_nobody(
    paths: HostPaths, until: float
) -> None:
    hostlock.expect_reboot(paths, Holder("R1", "R1", "alice"), until)

    assert isinstance(hostlock.take(paths, Holder("R2", "R2", "bob"), shared=False), HostLock)


def test_a_benchmark_shares_a_host_that_nobody_changes(host: BundledHost) -> None:
    process = host.start(a_job([shell(1, "touch started; sleep 1")]))
    host.wait_for(host.folder / "started")
    probe = a_job([a_task(1, "ping")], run="R2", changes=False, shares=True)
    (busy,) = host.run(probe).of(Busy)
    end_of(process)

    assert busy.holder["run"] == "R1"
    assert host.run(probe).end.status == "ok"
