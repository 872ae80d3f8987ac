"""A small fleet whose hosts answer what a test says, for whole health runs without a network."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.catalog.hardware import load_catalog
from edgectl.clock import Clock
from edgectl.engine.events import HostEnded, RunEvent
from edgectl.engine.health_records import HealthHistory, NoHealthHistory
from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.ports import HostWork, NextWork
from edgectl.inventory.loader import load
from edgectl.ops.services import Services
from edgectl.output.formats import Format
from edgectl.output.render import render
from edgectl.report import Report
from edgectl.secret import SecretSource
from edgectl.store.database import open_database
from edgectl.store.freezes import SqlFreezes
from edgectl.store.history import History
from tests.fakes.clock import FakeClock
from tests.unit.ops.health.nodes import a_gpu, a_node

PLAYBOOKS = Path(__file__).parents[4] / "playbooks"
INVENTORY = """
pops:
  fra1:
    metro: FRA
    vars: {driver_branch: "580"}
    hosts:
      fra1-r1-n01: {address: 192.0.2.1, role: gpu, hardware: rtx-pro-6000-server-2}
      fra1-r1-n02: {address: 192.0.2.2, role: gpu, hardware: rtx-pro-6000-server-2}
      fra1-r1-n03: {address: 192.0.2.3, role: gpu, hardware: rtx-pro-6000-server-2}
      fra1-r1-d01: {address: 192.0.2.4, role: dpu, hardware: bluefield-3}
  gru1:
    metro: GRU
    hosts:
      gru1-r1-n01: {address: 192.0.2.5, role: gpu, hardware: rtx-pro-6000-server-2}
      gru1-r1-n02: {address: 192.0.2.6, role: gpu, hardware: rtx-pro-6000-server-2}
"""
N1, N2, N3 = "fra1-r1-n01", "fra1-r1-n02", "fra1-r1-n03"
GRU1, GRU2, DPU = "gru1-r1-n01", "gru1-r1-n02", "fra1-r1-d01"
Answer = dict[str, Any] | None
Answers = Mapping[str, dict[str, Any] | None]


@dataclass(frozen=True)
class KnowingPool:
    """A pool whose hosts answer what the test says; None is a host that is not reached."""

    answers: Answers
    jobs: list[HostWork] = field(default_factory=list)

    def check(self, work: Iterable[HostWork]) -> None:
        pass

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        del hosts
        while (one := next_work()) is not None:
            assert isinstance(one, HostWork)
            self.jobs.append(one)
            on_event(HostEnded(self._outcome(one)))

    def _outcome(self, work: HostWork) -> HostOutcome:
        name, pop = work.host.name, work.host.pop.name
        answer = self.answers[name]
        if answer is None:
            return HostOutcome(
                name, pop, HostStatus.UNREACHABLE, "connect: timed out after 10 s", seconds=10.0
            )
        task = TaskRecord("read the GPUs", "health_facts", TaskStatus.OK, 0.25, answer)
        return HostOutcome(name, pop, HostStatus.OK, seconds=0.5, tasks=(task,))


def services(
    tmp_path: Path,
    answers: Answers,
    *,
    jobs: list[HostWork] | None = None,
    health: HealthHistory | None = None,
    clock: Clock | None = None,
    inventory: str = INVENTORY,
) -> Services:
    path = tmp_path / "fleet.yaml"
    path.write_text(inventory, encoding="utf-8")
    store = open_database(f"sqlite:///{tmp_path}/state.db")
    return Services(
        fleet=load(path, hardware=load_catalog().names),
        pool=KnowingPool(answers, [] if jobs is None else jobs),
        observers=(),
        clock=clock or FakeClock(),
        random_bytes=bytes,
        interrupts=lambda: 0,
        secrets=SecretSource({}),
        started_by="tester",
        playbooks=PLAYBOOKS,
        history=History(store),
        freezes=SqlFreezes(store),
        health=health or NoHealthHistory(),
    )


def card(host: str, number: int, **changes: Any) -> dict[str, Any]:
    """Return a GPU that no other host has."""
    return a_gpu(number, **{"uuid": f"GPU-{host}-{number}", "serial": f"{host}-{number}", **changes})


def node(host: str, *gpus: dict[str, Any], **changes: Any) -> dict[str, Any]:
    if host == DPU:
        return a_node([], collector="kernel", driver_version=None)
    return a_node(list(gpus) or [card(host, 0), card(host, 1)], **changes)


def slowed(host: str) -> dict[str, Any]:
    reasons = {"clocks_event_reasons": ["hw_thermal_slowdown"]}
    return node(host, card(host, 0, **reasons), card(host, 1, **reasons))


def told(report: Report) -> str:
    stream = io.StringIO()
    render(report, Format.TABLE, stream, color=False)
    return stream.getvalue()
