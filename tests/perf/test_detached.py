"""What it costs that a job outlives its session: one host, one task, apart from the session and on it.

`pytest -m perf -s tests/perf/test_detached.py`. The host is a real Debian, so that the way out of logind's scope is
paid for as on a node: journal with two fsyncs, lock, fork, new session, transient scope.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from edgectl.clock import SystemClock
from edgectl.inventory.loader import load
from edgectl.remote.job import Job
from edgectl.remote.protocol import Ended
from edgectl.ssh.connector import SshConnector
from edgectl.ssh.hostkeys import load as known_hosts
from edgectl.ssh.target import SshDefaults
from tests.fakes.fleet import a_job, a_task
from tests.hosts import nspawn
from tests.hosts.machines import inventory, keypair
from tests.hosts.nspawn import Debian

pytestmark = pytest.mark.perf
_TIMES = int(os.environ.get("EDGECTL_PERF_TIMES", "40"))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Debian]:
    reason = nspawn.missing()
    if reason:
        pytest.skip(reason)
    booted = nspawn.start("deb1", "127.64.200.1", tmp_path / "machine", keypair(tmp_path / "client_key"))
    yield booted
    booted.stop()


def test_the_cost_of_a_job_that_outlives_its_session(machine: Debian, tmp_path: Path) -> None:
    fleet = load(inventory(tmp_path / "inventory", [machine]))
    (host,) = fleet.hosts.values()
    defaults = SshDefaults(paramiko.SSHConfig(), "root", tmp_path, known_hosts(Path(fleet.known_hosts)))
    connector = SshConnector(defaults, SystemClock(), lambda: "EDGECTL-perf")
    numbers = itertools.count()

    def seconds(job: Job) -> float:
        began = time.perf_counter()
        session = connector.connect(host)
        said = session.run(replace(job, run=f"R{next(numbers):06d}"), after=0)
        ended = next(message for message in said if isinstance(message, Ended))
        session.close()
        assert ended.status == "changed"
        return time.perf_counter() - began

    def job(number: int, *, changes: bool) -> Job:
        task = a_task(1, "copy", {"content": f"{number}\n", "dest": "/srv/one"})
        return a_job([task], changes=changes)

    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * _TIMES):  # in turns, so that what else the machine does hits both alike
        changes = number % 2 == 0
        took[changes].append(seconds(job(number, changes=changes)))
    connector.close()
    detached, attached = statistics.median(took[True]), statistics.median(took[False])
    print(
        f"\none task on one host, median of {_TIMES}: attached {attached * 1000:.0f} ms, detached "
        f"{detached * 1000:.0f} ms, ratio {detached / attached:.2f}"
    )
