"""From a playbook's `rollout:` to what a run keeps to: policies refused in time, gates asked between waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.engine.events import HostEnded, RunEvent, RunStarted
from edgectl.engine.outcome import RunOutcome, exit_code
from edgectl.engine.policy import CommandGate, HealthGate, Limit, Rollout
from edgectl.engine.records import Freeze
from edgectl.errors import InputError
from edgectl.inventory.loader import load
from edgectl.ops.gates import carry_out_gated
from edgectl.ops.rollout import Prepared, Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import read_playbook
from edgectl.secret import SecretSource
from edgectl.store.database import open_database
from edgectl.store.freezes import SqlFreezes
from edgectl.store.history import History
from edgectl.yaml_source import parse
from tests.fakes.clock import START, FakeClock
from tests.fakes.connector import REFUSED, FakeConnector, FakeSession, Visit, whole
from tests.fakes.observers import Witness
from tests.fakes.pool import InlinePool

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
INVENTORY = """
pops:
  lhr1:
    metro: LHR
    tz: Europe/London
    window: {days: [tue], start: "01:00", hours: 2}
    hosts:
      lhr1-n1: {address: 192.0.2.1, role: gpu, hardware: hgx-h100-8}
      lhr1-n2: {address: 192.0.2.2, role: gpu, hardware: hgx-h100-8}
      lhr1-n3: {address: 192.0.2.3, role: gpu, hardware: l4-4}
  lhr2:
    metro: LHR
    state: maintenance
    hosts:
      lhr2-n1: {address: 192.0.2.5, role: gpu, hardware: l4-4}
"""


class World:
    """Services over scripted hosts, and what was seen."""

    def __init__(self, folder: Path, script: Mapping[str, Sequence[Visit]] | None = None) -> None:
        path = folder / "fleet.yaml"
        path.write_text(INVENTORY, encoding="utf-8")
        clock = FakeClock()
        store = open_database(f"sqlite:///{folder}/state.db")
        self.connector = FakeConnector(script, clock)
        self.witness = Witness()
        self.services = Services(
            fleet=load(path, hardware=load_catalog().names),
            pool=InlinePool(self.connector, clock),
            observers=(self.witness,),
            clock=clock,
            random_bytes=bytes,
            interrupts=lambda: 0,
            secrets=SecretSource({}),
            started_by="tester",
            playbooks=PLAYBOOKS,
            history=History(store),
            freezes=SqlFreezes(store),
        )

    def prepared(self, rollout: str, *, check: bool = False, task: str = "ping: ") -> Prepared:
        text = f"- hosts: all\n  gather_facts: false\n  rollout: {rollout}\n  tasks: [{{{task}}}]\n"
        request = Request("run", options=Options(check=check))
        return prepare(self.services, read_playbook(parse(text, Path("play.yaml"))), request)

    def ran(self, rollout: str, task: str = "ping: ") -> RunOutcome:
        return carry_out_gated(self.services, self.prepared(rollout, task=task))

    def jobs(self, host: str) -> list[str]:
        visits = [visit for visit in self.connector.visits[host] if isinstance(visit, FakeSession)]
        return [job.id for visit in visits for job, _ in visit.asked]


def test_every_key_of_a_rollout_reaches_the_policy(tmp_path: Path) -> None:
    said = (
        "{canary: 1, waves: [5%, 2, 100%], spread: metro, max_out: 90%, min: 1, max_failed: 2%, "
        "max_unreachable: {fleet: 10%, domain: 1}, max_unknown: 3, soak: 5m, gate: health, window: site, "
        "duration: 30m}"
    )
    plan = World(tmp_path).prepared(said).plan

    assert plan.rollout == Rollout(
        canary=1,
        waves=[0.05, 2, 1.0],
        spread="metro",
        max_out=0.9,
        min_out=1,
        max_failed=Limit(0.02),
        max_unreachable=Limit(0.1, 1),
        max_unknown=Limit(3),
        soak_s=300.0,
        gate=HealthGate(),
        windowed=True,
        duration_s=1800.0,
    )
    assert [host.name for host in plan.out] == ["lhr2-n1"]
    assert plan.gpus["hgx-h100-8"] == 8


def test_a_check_keeps_to_no_policy(tmp_path: Path) -> None:
    assert World(tmp_path).prepared("{max_out: 1%, window: site}", check=True).plan.rollout == Rollout()


REFUSED_POLICIES = [
    (
        "{spread: metro, max_out: 50%}",
        (
            "play.yaml:3:3   max_out: 50% of metro LHR (10 of 20 GPUs) with 4 out already never lets lhr1-n1 "
            "(8 GPUs) start: write a larger share or `min: 1`"
        ),
    ),
    (
        "{max_out: 35%}",
        (
            "play.yaml:3:3   max_out: 35% of PoP lhr1 (7 of 20 GPUs) never lets lhr1-n1 (8 GPUs) start: "
            "write a larger share or `min: 1`"
        ),
    ),
    (
        "{window: site, duration: 3h}",
        (
            "play.yaml:3:3   the work on a host (180 min) does not fit into the window of lhr1 (2 h): "
            "write a longer window, or another `duration:`"
        ),
    ),
]


@pytest.mark.parametrize(("said", "complaint"), REFUSED_POLICIES)
def test_a_policy_that_no_host_could_start_under_is_refused_before_any_contact(
    tmp_path: Path, said: str, complaint: str
) -> None:
    world = World(tmp_path)

    with pytest.raises(InputError) as refused:
        world.ran(said)

    assert refused.value.message == complaint
    assert world.connector.visits == {}


def test_a_command_is_a_gate_whose_jobs_are_of_the_same_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    outcome = world.ran("{waves: [1, 100%], gate: {command: 'curl -f {{.Port}}'}}")

    assert len(outcome.finished()) == 3
    (run, gate), *others = (world.jobs(f"lhr1-n{number}") for number in (1, 2, 3))
    assert run == outcome.run
    assert gate.startswith(f"{outcome.run}.")
    assert others == [[outcome.run], [outcome.run]]


def test_a_gates_own_run_is_nobody_elses_news(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ran("{waves: [1, 100%], gate: health}")

    assert len(world.connector.visits["lhr1-n1"]) == 2
    assert len(world.witness.of(RunStarted)) == 1
    assert len(world.witness.of(HostEnded)) == 3


GATES: list[tuple[str, Visit, str]] = [
    (
        "{command: nvidia-smi}",
        whole("failed", "rc 1"),
        "1 of 1 hosts are not passed by `nvidia-smi`: lhr1-n1: rc 1",
    ),
    ("health", REFUSED, "1 of 1 hosts are not in good health: lhr1-n1: connection refused"),
]


@pytest.mark.parametrize(("gate", "answer", "reason"), GATES, ids=["command", "health"])
def test_a_gate_that_does_not_pass_leaves_the_next_wave_alone(
    tmp_path: Path, gate: str, answer: Visit, reason: str
) -> None:
    world = World(tmp_path, {"lhr1-n1": (whole(), answer)})
    outcome = world.ran(f"{{waves: [1, 100%], gate: {gate}}}")

    assert outcome.stopped == f"the gate behind wave 1 did not pass: {reason}"
    assert set(world.connector.visits) == {"lhr1-n1"}


def test_gates_are_of_two_kinds(tmp_path: Path) -> None:
    world = World(tmp_path)

    assert world.prepared("{gate: {command: 'true'}}").plan.rollout.gate == CommandGate("true")
    assert world.prepared("{soak: 1m}").plan.rollout.gate is None


def test_a_gate_of_a_run_that_is_continued_is_a_job_of_that_run(tmp_path: Path) -> None:
    world = World(tmp_path)
    run = "01JD0000000000000000000000"
    world.services = replace(world.services, resuming=run)
    outcome = world.ran("{waves: [1, 100%], gate: {command: 'true'}}", task="command: 'true'")

    assert len(outcome.finished()) == 3
    assert [job.split(".")[0] for job in world.jobs("lhr1-n1")] == [run, run]


def test_a_freeze_before_a_gate_stops_the_run_at_the_gate(tmp_path: Path) -> None:
    world = World(tmp_path)

    def freeze(event: RunEvent) -> None:
        if isinstance(event, HostEnded):
            world.services.freezes.add(Freeze("black Friday", "ops", START))

    world.services = replace(world.services, observers=(Witness(freeze),))
    outcome = world.ran("{waves: [1, 100%], gate: {command: 'true'}}")

    assert "the gate behind wave 1 did not pass: frozen by ops until it is lifted" in outcome.stopped
    assert set(world.connector.visits) == {"lhr1-n1"}


def test_a_run_that_is_called_off_starts_no_further_host(tmp_path: Path) -> None:
    world = World(tmp_path)
    prepared = world.prepared("{canary: 1}")
    started: list[str] = []

    def called_off() -> str:
        started[:] = [host for host, visits in world.connector.visits.items() if visits]
        return "somebody else took it over" if started else ""

    outcome = carry_out(world.services, prepared, called_off=called_off)

    assert len(started) == 1
    assert outcome.stopped == "somebody else took it over"
    assert exit_code(outcome) == 6
