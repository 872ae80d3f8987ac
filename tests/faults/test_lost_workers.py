"""A worker that is killed loses nothing: its hosts are come back to, nothing runs twice, nothing is told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from edgectl.clock import SystemClock
from edgectl.engine.events import HostEnded, HostSaid, HostStarted, RunEvent
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.ports import HostPool, HostWork
from edgectl.pools.dask import DaskPool
from edgectl.pools.processes import ProcessPool
from edgectl.remote.protocol import TaskStarted
from tests.cli_run import ROOT
from tests.dask_cluster import cluster
from tests.fakes.fleet import a_host, a_job
from tests.faults.controllers import wait_for
from tests.faults.pipehost import PipeHosts
from tests.remote.bundled import shell

HOSTS = ("n1", "n2", "n3", "n4")


@dataclass
class Crew:
    """A pool with two workers that have room for two hosts each, and their process ids."""

    pool: HostPool
    pids: Callable[[], list[int]]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[PipeHosts]:
    folder = tmp_path / "hosts"
    folder.mkdir()
    found = PipeHosts(folder, {})
    yield found
    found.end_all()


@pytest.fixture(params=["processes", "dask"])
def crew(request: pytest.FixtureRequest, tmp_path: Path, hosts: PipeHosts) -> Iterator[Crew]:
    del hosts
    make = partial(PipeHosts, tmp_path / "hosts", {})
    with ExitStack() as opened:
        if request.param == "processes":
            pool = opened.enter_context(closing(ProcessPool(make, SystemClock(), workers=2, width=2)))
            yield Crew(pool, lambda: pool.pids)
        else:
            dask = opened.enter_context(cluster(tmp_path / "dask"))
            crew = opened.enter_context(closing(DaskPool(dask.address, make, SystemClock(), width=2)))
            yield Crew(crew, lambda: [worker.pid for worker in dask.workers])


def counting(root: Path) -> HostWork:
    """Return work that counts, waits until somebody says go, and counts again."""
    tasks = [
        shell(1, f"echo 1 >> {root}/counter"),
        shell(2, f"echo 2 >> {root}/counter; while [ ! -e {root}/go ]; do sleep 0.05; done"),
        shell(3, f"echo 3 >> {root}/counter"),
    ]
    return HostWork(a_host(root.name), a_job(tasks, host=root.name))


class Watch:
    """Kills a worker once all hosts are in their second task, and then lets the hosts go on."""

    def __init__(self, crew: Crew, hosts: PipeHosts) -> None:
        self.events: list[RunEvent] = []
        self._crew = crew
        self._hosts = hosts

    def on_event(self, event: RunEvent) -> None:
        self.events.append(event)
        if isinstance(event, HostSaid) and isinstance(event.message, TaskStarted):
            waiting = [said for said in self._begun() if said.number == 2]
            if len(waiting) == len(HOSTS) and event.message.number == 2:
                os.kill(self._crew.pids()[0], signal.SIGKILL)
                for name in HOSTS:
                    (self._hosts.root(name) / "go").touch()

    def _begun(self) -> list[TaskStarted]:
        said = [event.message for event in self.events if isinstance(event, HostSaid)]
        return [message for message in said if isinstance(message, TaskStarted)]

    def ended(self) -> list[HostOutcome]:
        return [event.outcome for event in self.events if isinstance(event, HostEnded)]

    def seqs(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for event in self.events:
            if isinstance(event, HostSaid) and event.message.seq:
                found[event.host].append(event.message.seq)
        return found


def test_a_killed_worker_loses_nothing(crew: Crew, hosts: PipeHosts) -> None:
    watch = Watch(crew, hosts)
    work = iter([counting(hosts.root(name)) for name in HOSTS])
    crew.pool.run(lambda: next(work, None), watch.on_event, hosts=len(HOSTS))

    ended = watch.ended()
    assert {(outcome.host, outcome.status) for outcome in ended} == {(n, HostStatus.CHANGED) for n in HOSTS}
    assert [len(outcome.tasks) for outcome in ended] == [3] * len(HOSTS)
    for name in HOSTS:
        assert (hosts.root(name) / "counter").read_text().split() == ["1", "2", "3"]
        assert watch.seqs()[name] == list(range(1, 8))
    started = Counter(event.host for event in watch.events if isinstance(event, HostStarted))
    assert set(started.values()) == {1}


PARENT = """
from edgectl.clock import SystemClock
from edgectl.engine.events import HostSaid
from edgectl.pools.processes import ProcessPool
from edgectl.remote.protocol import Heartbeat
from tests.fakes.fleet import a_host, work_for
from tests.fakes.scripts import never_done

pool = ProcessPool(never_done, SystemClock(), workers=2, width=2)
work = iter(work_for([a_host(f"n{number}") for number in range(4)]))
told = set()

def on_event(event):
    if isinstance(event, HostSaid):
        told.add(event.host)
        if len(told) == 4 and isinstance(event.message, Heartbeat):
            print(*pool.pids, flush=True)

pool.run(lambda: next(work, None), on_event, hosts=4)
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A controller whose workers are at work, in a group of processes of its own."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()


def _pids(parent: subprocess.Popen[str]) -> list[int]:
    assert parent.stdout is not None
    return [int(pid) for pid in parent.stdout.readline().split()]


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_no_worker_outlives_a_controller_that_is_killed(parent: subprocess.Popen[str]) -> None:
    pids = _pids(parent)
    assert len(pids) == 2
    parent.kill()

    wait_for(lambda: all(_has_ended(pid) for pid in pids))


def test_ctrl_c_in_a_terminal_ends_no_worker(parent: subprocess.Popen[str]) -> None:
    """It reaches the whole group: the parent hears it, and decides."""
    pids = _pids(parent)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)

    assert all(_pids(parent) == pids for _ in range(20)), "signs of life of their hosts come as before"
    assert not any(_has_ended(pid) for pid in pids)
