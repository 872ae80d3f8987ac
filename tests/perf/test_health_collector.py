"""What one look at a node's health costs the node: CPU, time, bytes, and what a long kernel log adds."""

from __future__ import annotations

import json
import re
import resource
import time
from pathlib import Path

import pytest

from edgectl.remote.health.fit import LIMIT_BYTES
from edgectl.ssh.bundle_shelf import BundleShelf
from edgectl.ssh.loader import payload
from tests.fakes.fleet import a_job, a_task
from tests.nvml.scenario import COMPILER, NO_COMPILER, BlueField, Machine, Scene
from tests.remote.bundled import MAGIC, BundledHost

pytestmark = [pytest.mark.perf, pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)]
RUNS = 5
LINES = 200_000


@pytest.mark.parametrize("gpus", [1, 8])
@pytest.mark.parametrize("sku", ["rtx-pro-6000-server", "b200"])
def test_what_a_look_costs(tmp_path: Path, sku: str, gpus: int) -> None:
    scene = Scene(tmp_path, sku, gpus=gpus, machine=Machine(dpus=(BlueField(),)))
    found = [scene.collect() for _ in range(RUNS)]

    cpu_s = sorted(one["cpu_s"] for one in found)[RUNS // 2]
    seconds = sorted(one["seconds"] for one in found)[RUNS // 2]
    size = len(json.dumps(found[0], separators=(",", ":")))
    print(f"\n{gpus} x {sku}: {cpu_s:.3f} s of CPU, {seconds:.3f} s, {size:,} bytes of {LIMIT_BYTES:,}")
    assert size <= LIMIT_BYTES


@pytest.mark.parametrize("gpus", [1, 8])
def test_what_the_whole_job_costs_with_runner_and_pynvml(tmp_path: Path, gpus: int) -> None:
    given = Scene(tmp_path / "scene", gpus=gpus).environment()
    environment = {name: given[name] for name in ("LD_LIBRARY_PATH", "EDGECTL_MOCK_NVML")}
    spent_s, took_s, collector_s, size = [], [], [], 0
    job = a_job([a_task(1, "health_facts")], needs=["pynvml"], changes=False)
    for number in range(RUNS):
        host = BundledHost(tmp_path / str(number), environment=environment)
        host.folder.mkdir()
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        result = host.run(job).results["task 1"]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took_s.append(time.monotonic() - began)
        spent_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        collector_s.append(result["cpu_s"])
        size = len(json.dumps(result, separators=(",", ":")))
        assert result["collector"] == "nvml"

    sent = payload(job, MAGIC, BundleShelf(), after=0, confirms=None, inline=True)
    print(
        f"\na first visit sends {len(sent.opening) + len(sent.code):,} bytes, the module's answer is {size:,}"
    )
    whole, own, seconds = (sorted(each)[RUNS // 2] for each in (spent_s, collector_s, took_s))
    print(
        f"\n{gpus} GPUs, nothing cached: {whole:.3f} s of CPU, of which {own:.3f} the collector's; {seconds:.3f} s"
    )


def test_what_a_long_kernel_log_adds(tmp_path: Path) -> None:
    noise = [
        f"IN=eth0 OUT= MAC=00:00 SRC=192.0.2.{number % 250} DST=198.51.100.1 LEN=60"
        for number in range(LINES)
    ]
    short = Scene(tmp_path / "short").collect()
    long = Scene(tmp_path / "long", log=noise).collect()

    added_s = long["cpu_s"] - short["cpu_s"]
    print(f"\n{LINES:,} lines of a firewall in the log add {added_s:.3f} s of CPU")
    assert re.match("journalctl", long["kernel_log"]["source"])
