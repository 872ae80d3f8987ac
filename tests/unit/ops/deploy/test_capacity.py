"""What a floor is counted in: tokens per second that can be compared, else GPUs, and it is said which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.engine.bench_records import BenchRecord
from edgectl.engine.domains import Room, domains_of
from edgectl.engine.policy import Measure
from edgectl.engine.service_records import ReleaseRecord, ServiceChange, Turn
from edgectl.inventory.loader import load
from edgectl.ops.deploy.capacity import capacity_of
from edgectl.ops.deploy.care import rollout_of
from edgectl.ops.deploy.deployment import load_deployment
from edgectl.ops.deploy.lock import Lock, as_data
from edgectl.ops.deploy.planning import plan_placement, plan_report
from edgectl.ops.deploy.rollback import Return, weighed
from edgectl.ops.deploy.spec import load_spec
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.store.bench import SqlBenchHistory
from edgectl.store.database import open_database
from edgectl.store.services import SqlServiceHistory
from tests.fakes.clock import START
from tests.unit.ops.deploy.sites import services_with
from tests.unit.ops.deploy.specs import VLLM, written
from tests.unit.ops.deploy.test_planning import said

FLEET = """\
pops:
  fra1:
    metro: FRA
    country: DE
    hosts:
      small1: {address: 10.0.0.1, role: gpu, hardware: rtx-pro-6000-server-8}
      small2: {address: 10.0.0.2, role: gpu, hardware: rtx-pro-6000-server-8}
      big1: {address: 10.0.0.3, role: gpu, hardware: hgx-b200-8}
"""
SPEC = VLLM + "strategy: {{swap: replace, floor: {{keep: 50%}}}}\n"
SMALL, BIG = "rtx-pro-6000-server-8", "hgx-b200-8"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, encoding="utf-8")
    engine = open_database(f"sqlite:///{tmp_path}/state.db")
    fleet = load(path, hardware=load_catalog().names)
    deployed, bench = SqlServiceHistory(engine), SqlBenchHistory(engine)
    yield replace(services_with(fleet), deployed=deployed, bench=bench)
    engine.dispose()


def a_lock(folder: Path, text: str = SPEC) -> Lock:
    return Lock(load_spec(written(folder, text)))


def deployed(services: Services, lock: Lock, *hosts: str) -> None:
    services.deployed.keep_release(ReleaseRecord(lock.release, lock.spec.name, START, "ci", as_data(lock)))
    services.deployed.record(
        [ServiceChange(lock.spec.name, host, lock.release, Turn.LIVE, START, "ci") for host in hosts]
    )


def measured(
    services: Services, tokens: Mapping[str, float], shape: str = "quick", hours: float = 1.0
) -> None:
    at = START + timedelta(hours=hours)
    services.bench.keep(
        [
            BenchRecord(
                f"R{shape}{hours}", host, 1, at, "bench run", shape, "qwen3-30b-a3b",
                figures={"output_tokens_per_s": rate},
            )
            for host, rate in tokens.items()
        ]
    )  # fmt: skip


EVERY = ("small1", "small2", "big1")


def test_a_floor_is_counted_in_what_was_measured_of_this_model_and_engine(
    services: Services, tmp_path: Path
) -> None:
    lock = a_lock(tmp_path)
    deployed(services, lock, *EVERY)
    measured(services, {"small1": 900.0, "small2": 1100.0, "big1": 20_000.4})
    text = said(plan_report(plan_placement(services, lock, load_catalog()), START))

    assert "floor   50% of each metro, in measured tokens/s: hgx-b200-8 20,000," in text
    assert "rtx-pro-6000-server-8 1,000 (3 measurements)" in text
    request = load_deployment(services, written(tmp_path, SPEC), None).request(Options())
    assert request.policy is not None
    assert request.policy.measure == Measure({BIG: 20_000, SMALL: 1000}, "tokens/s")


@pytest.mark.parametrize("leave", ["", "the release"])
def test_the_way_back_is_held_to_what_was_measured_of_the_release_that_is_left(
    services: Services, tmp_path: Path, leave: str
) -> None:
    lock = a_lock(tmp_path)
    deployed(services, lock, *EVERY)
    measured(services, {"small1": 900.0, "big1": 20_000.0})
    hosts = [services.fleet.hosts[name] for name in EVERY]
    back = weighed(services, Return(lock.spec, hosts, leave=leave and lock.release))

    expected = Measure({BIG: 20_000, SMALL: 900}, "tokens/s") if leave else None
    policy = back.request(Options()).policy
    assert policy is not None
    assert (policy.measure, policy.spread) == (expected, "metro")


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ({}, "GPUs: nothing is measured on hgx-b200-8, rtx-pro-6000-server-8"),
        ({"small1": 900.0}, "GPUs: nothing is measured on hgx-b200-8"),
    ],
)
def test_without_a_measurement_of_all_hardware_it_is_counted_in_gpus_and_that_is_said(
    services: Services, tmp_path: Path, tokens: Mapping[str, float], why: str
) -> None:
    lock = a_lock(tmp_path)
    deployed(services, lock, *EVERY)
    measured(services, tokens)
    found = capacity_of(services, as_data(lock), EVERY)

    assert (found.measure, found.said) == (None, why)


def test_different_loads_are_not_compared(services: Services, tmp_path: Path) -> None:
    lock = a_lock(tmp_path)
    deployed(services, lock, *EVERY)
    measured(services, {"small1": 900.0}, "quick")
    measured(services, {"big1": 20_000.0}, "full")

    assert capacity_of(services, as_data(lock), EVERY).said == "GPUs: no load is measured on all hardware"


@pytest.mark.parametrize(
    "other",
    [
        VLLM.replace("/opt/vllm/bin/vllm", "/opt/vllm-0.19/bin/vllm"),
        VLLM.replace('sha256: "{a}"', 'sha256: "{b}"'),
    ],
    ids=["another engine", "another model"],
)
def test_what_was_in_force_when_it_was_measured_counts(
    services: Services, tmp_path: Path, other: str
) -> None:
    lock = a_lock(tmp_path)
    deployed(services, a_lock(tmp_path, other), *EVERY)
    measured(services, dict.fromkeys(EVERY, 900.0))

    assert capacity_of(services, as_data(lock), EVERY).measure is None


def test_a_large_replica_is_not_let_go_of_where_the_small_ones_cannot_carry_its_load(tmp_path: Path) -> None:
    fleet = load(_written_fleet(tmp_path), hardware=load_catalog().names)
    hosts, spec = [fleet.hosts[name] for name in EVERY], load_spec(written(tmp_path, SPEC))

    def may_go(measure: Measure | None, gpus: Mapping[str, int]) -> list[str]:
        policy = replace(rollout_of(spec, replaces=True, measure=measure), min_out=0)
        room = Room(domains_of(hosts, policy, gpus), ())
        return [host.name for host in hosts if room.has_room(host)]

    tokens = {SMALL: 1000, BIG: 20_000}
    assert may_go(None, {SMALL: 8, BIG: 8}) == ["small1", "small2", "big1"]
    assert may_go(Measure(tokens, "tokens/s"), tokens) == ["small1", "small2"]


def _written_fleet(folder: Path) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(FLEET, encoding="utf-8")
    return path
