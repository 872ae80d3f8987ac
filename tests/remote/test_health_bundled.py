"""The module as a host gets it: the real bundle, under each Python, with pynvml beside the runner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.ops.health.observed import node_of
from edgectl.remote.gpu import readings
from tests.fakes.fleet import a_job, a_task
from tests.nvml.scenario import COMPILER, NO_COMPILER, BlueField, Machine, Scene
from tests.remote.bundled import BundledHost, end_of, every_python
from tests.remote.host import tree
from tests.remote.test_health_faults import processes_with

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)


def environment(scene: Scene) -> dict[str, str]:
    given = scene.environment()
    return {name: given[name] for name in ("LD_LIBRARY_PATH", "EDGECTL_MOCK_NVML")}


@pytest.mark.parametrize("version", every_python())
def test_the_module_answers_under_every_supported_python(tmp_path: Path, version: str) -> None:
    scene = Scene(tmp_path / "scene", gpus=2)
    host = BundledHost(tmp_path, version, environment(scene))

    visit = host.run(a_job([a_task(1, "health_facts")], needs=["pynvml"], changes=False))

    result = visit.results["task 1"]
    node = node_of(result)
    assert (visit.statuses, visit.noise) == ({"task 1": "ok"}, "")
    assert (node.collector, len(node.gpus), node.attempts) == ("nvml", 2, [])
    assert {one.name for one in node.gpus} == {"NVIDIA RTX PRO 6000 Blackwell Server Edition"}
    assert node.machine is not None
    assert node.machine.memory_total_bytes
    assert (tmp_path / "run/edgectl/gpu-driver.lock").exists()


def test_the_gpus_alone_are_still_to_be_had(tmp_path: Path) -> None:
    host = BundledHost(tmp_path, environment=environment(Scene(tmp_path / "scene", gpus=2)))

    result = host.run(a_job([a_task(1, "gpu_facts")], needs=["pynvml"], changes=False)).results["task 1"]

    assert (result["collector"], len(result["gpus"])) == ("nvml", 2)
    assert not {"machine", "dpus", "events"} & set(result)


def test_what_a_scene_says_is_all_that_the_rules_know_by_the_same_names(tmp_path: Path) -> None:
    said = Scene(
        tmp_path, gpus=1, machine=Machine(dpus=(BlueField(),)), log=["nvme nvme0: I/O 1 QID 1 timeout"]
    )
    found = said.collect()
    node = node_of(json.loads(json.dumps(found)))

    known = {"seconds", *node.__slots__}
    assert set(found) <= known
    assert set(found["gpus"][0]) == set(node.gpus[0].__slots__)
    assert set(readings.NAMES) <= set(node.gpus[0].__slots__)
    assert node.machine is not None
    assert set(found["machine"]) == set(node.machine.__slots__)
    assert node.dpus is not None
    assert set(found["dpus"][0]) == set(node.dpus[0].__slots__)
    assert node.ports is not None
    assert set(found["ports"][0]) == set(node.ports[0].__slots__)
    assert set(found["events"][0]) == set(node.events[0].__slots__)


def test_two_whole_jobs_at_once_at_one_host_both_answer_and_leave_no_process(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", gpus=2, faults={"fn.nvmlInitWithFlags.delay_ms": "400"})
    host = BundledHost(tmp_path / "host", environment=environment(scene))
    host.folder.mkdir()
    jobs = [
        a_job([a_task(1, "health_facts")], run=f"R{number}", needs=["pynvml"], changes=False)
        for number in (1, 2)
    ]

    visits = [end_of(process) for process in [host.start(job) for job in jobs]]

    results = [visit.results["task 1"] for visit in visits]
    assert [visit.statuses["task 1"] for visit in visits] == ["ok", "ok"]
    assert [(result["collector"], len(result["gpus"]), result["attempts"]) for result in results] == [
        ("nvml", 2, [])
    ] * 2
    assert {visit.noise for visit in visits} == {""}
    assert processes_with(str(host.folder)) == []


def test_the_whole_job_writes_nothing_but_the_lock(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "scene", gpus=2)
    given = {**environment(scene), "TMPDIR": str(tmp_path / "tmp")}
    host = BundledHost(tmp_path / "host", environment=given)
    for folder in ("host", "tmp"):
        (tmp_path / folder).mkdir()
    host.login()
    before = tree(tmp_path)

    for number in (1, 2):
        host.run(a_job([a_task(1, "health_facts")], run=f"R{number}", needs=["pynvml"], changes=False))
    after = tree(tmp_path)

    assert {path: said for path, said in after.items() if path in before} == before
    assert sorted(set(after) - set(before)) == [
        *("host/run", "host/run/edgectl", "host/run/edgectl/gpu-driver.lock")
    ]
