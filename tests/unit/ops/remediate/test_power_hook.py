"""A hook that could not run cut nothing, so nobody waits for the node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edgectl.catalog.remedies import Rung
from edgectl.engine.outcome import HostStatus
from edgectl.errors import ExitCode
from edgectl.ops.remediate.apply import carry_out_plan
from edgectl.ops.remediate.ladder import Fault, Step
from edgectl.ops.remediate.plan import RemedyPlan
from edgectl.ops.remediate.report import remedied_report
from edgectl.ops.services import Services
from edgectl.remote.protocol import Busy, Hello
from tests.fakes.clock import FakeClock
from tests.fakes.connector import FakeConnector
from tests.fakes.connector import Step as Said
from tests.fakes.fleet import a_fleet, a_host
from tests.fakes.pool import InlinePool
from tests.unit.ops.health.asked import N1, services
from tests.unit.ops.remediate.test_tried import BOOKS


def test_a_hook_that_another_run_keeps_from_running_ends_its_node_as_busy_and_nobody_waits(
    tmp_path: Path,
) -> None:
    opened = services(tmp_path, {})
    clock = FakeClock()
    busy: list[Said] = [Hello("3.11", "b", "root"), Busy({"run": "R0", "by": "ci", "task": "copies"})]
    here = FakeConnector({"here": [busy]}, clock)

    @contextmanager
    def local() -> Iterator[Services]:
        yield replace(opened, fleet=a_fleet([a_host("here")]), pool=InlinePool(here, clock), clock=clock)

    step = Step(Rung.POWER_CYCLE, [Fault("gpu-lost", "critical", None, None, "")])
    plan = RemedyPlan({N1: step}, has_hook=True, boots={N1: "b"})

    done = carry_out_plan(opened, BOOKS, plan, local, ["cut"])

    (run,) = done.runs
    (host,) = run.outcome.hosts
    assert (host.host, host.status, done.cut) == (N1, HostStatus.BUSY, [])
    assert 100 < clock.seconds < 200  # it waited for the lock, and for nothing else
    assert remedied_report(done, BOOKS.remedies).exit_code is ExitCode.BUSY
