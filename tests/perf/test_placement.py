"""What it costs to place a service: 4,400 PoPs of 4 nodes each, fit, placement and plan, in a process of its own.

`pytest -m perf -s tests/perf/test_placement.py`. Seconds are of the wall clock, start of Python and inventory
included; memory is the most that the process ever had.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import HealthKept, HealthState, Phase
from edgectl.engine.lifecycle import Passage, Stage
from edgectl.engine.service_records import Claim, ReleaseRecord, ServiceChange, Turn
from edgectl.store.database import open_database
from edgectl.store.health import SqlHealthHistory
from edgectl.store.lifecycles import SqlLifecycles
from edgectl.store.services import SqlServiceHistory
from tests.cli_run import ROOT
from tests.fakes.big_fleet import write_racks
from tests.fakes.clock import START
from tests.unit.catalog.models import QWEN3_CODER_CONFIG

pytestmark = pytest.mark.perf
POPS, NODES = 4_400, 17_600
LIMIT_S, LIMIT_MB = 10.0, 1_000
_MAIN = "from edgectl.__main__ import main; main()"
_SPEC = """\
name: chat
model:
  name: qwen3-coder
  files: [{source: file://config.json, sha256: CONFIG}, {source: file://model.safetensors, sha256: WEIGHTS}]
engine: {kind: vllm, command: /opt/vllm/bin/vllm}
gpus: {sku: [rtx-pro-6000-server]}
serve: {max_model_len: 32768, kv_cache_dtype: fp8, target: {concurrency: 64, mean_in: 1500, mean_out: 300}}
place: {pattern: role=gpu, replicas: 2, per: pop, countries: COUNTRIES}
"""


def _site(home: Path) -> list[str]:
    """Write a fleet, a service and a store in which hosts have stages, findings and another service; return hosts."""
    write_racks(home / "inventory", POPS, NODES)
    folder = home / "inventory" / "services"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(QWEN3_CODER_CONFIG))
    (folder / "model.safetensors").write_bytes(b"w" * 10_000)
    listed = _run(home, "inventory", "list", "role=gpu", "-o", "json")
    hosts = [host["host"] for host in json.loads(listed)["data"]["hosts"]]
    countries = sorted({host["country"] for host in json.loads(listed)["data"]["hosts"]})
    spec = _SPEC.replace("COUNTRIES", json.dumps(countries[1:]))
    for word, name in (("CONFIG", "config.json"), ("WEIGHTS", "model.safetensors")):
        digest = subprocess.run(["sha256sum", folder / name], capture_output=True, text=True, check=True)
        spec = spec.replace(word, digest.stdout.split()[0])
    (folder / "chat.yaml").write_text(spec)
    _run(home, "deploy", "lock", "chat")
    lock = folder / "chat.lock.yaml"
    lock.write_text(lock.read_text().replace("size: 10000", f"size: {30 * 10**9}"))
    _record(home, hosts)
    return hosts


def _record(home: Path, hosts: Sequence[str]) -> None:
    engine = open_database(f"sqlite:///{home}/state.db")
    stages = [Stage.REPAIR if number % 50 == 0 else Stage.ACCEPTED for number in range(len(hosts))]
    SqlLifecycles(engine).record(
        Passage(host, stage, START, "ci") for host, stage in zip(hosts, stages, strict=True)
    )
    history = SqlServiceHistory(engine)
    history.keep_release(ReleaseRecord("r-1", "embed", START, "ci", {}, Claim(8, disk_bytes=10**10)))
    history.record([ServiceChange("embed", host, "r-1", Turn.LIVE, START, "ci") for host in hosts[::3]])
    history.record([ServiceChange("chat", host, "r-0", Turn.LIVE, START, "ci") for host in hosts[::5]])
    states = [
        HealthState(host, "gpu-lost", host, host, Severity.CRITICAL, Phase.ACTIVE, START, START, 1)
        for host in hosts[::40]
    ]
    SqlHealthHistory(engine).keep(HealthKept(states=states))
    engine.dispose()


def _run(home: Path, *words: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "EDGECTL_STATE": f"sqlite:///{home}/state.db",
    }
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, *words],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 6), done.stderr
    return done.stdout


def test_a_whole_fleet_is_placed_and_explained_in_time(tmp_path: Path) -> None:
    hosts = _site(tmp_path)
    assert len(hosts) == NODES
    print()
    for words in (["fit", "chat"], ["plan", "chat"], ["plan", "chat", "--explain", hosts[7]]):
        began = time.perf_counter()
        said = _run(tmp_path, "deploy", *words)
        seconds = time.perf_counter() - began
        memory_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        print(f"deploy {' '.join(words):<38} {seconds:5.2f} s (at most {LIMIT_S:.0f})", end="")
        print(f"  {memory_mb:4.0f} MB (at most {LIMIT_MB:,})")
        print("\n".join(f"    {line}" for line in said.splitlines()))
        assert seconds < LIMIT_S
        assert memory_mb < LIMIT_MB
