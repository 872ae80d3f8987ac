"""The collector on a real NVIDIA GPU, where there is one: what holds of the stand-in holds here. It only reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgectl.ops.health.observed import node_of
from edgectl.remote.gpu import nvml, readings, smi
from edgectl.remote.health.collect import collect
from edgectl.remote.health.fit import LIMIT_BYTES, size_bytes

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not nvml.is_installed(), reason="needs an NVIDIA GPU: libnvidia-ml.so.1 is not here"),
]
# What a healthy GPU keeps between two readings that are a second apart.
STEADY = ("uuid", "serial", "name", "pci_bus_id", "vbios", "board_part", "architecture", "inforom", "gsp_firmware",
          "memory_total_mib", "ecc_mode", "ecc_mode_pending", "mig_mode", "mig_mode_pending", "mig_instances",
          "power_limit_w", "power_limit_default_w", "clock_sm_max_mhz", "ecc_volatile_uncorrected",
          "ecc_aggregate_uncorrected", "ecc_sram_uncorrected", "ecc_sram_threshold_exceeded", "remap_pending",
          "remap_failure", "remap_banks", "memory_unrepairable", "retired_pages", "pcie_width", "pcie_width_max",
          "pcie_gen_max", "persistence_mode", "recovery_action", "slowdown_margin_c", "fabric_state")  # fmt: skip
SETTINGS = ("persistence_mode", "power.limit", "ecc.mode.current", "ecc.mode.pending", "mig.mode.current",
            "mig.mode.pending", "compute_mode")  # fmt: skip
needs_smi = pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs nvidia-smi")


def settings() -> str:
    words = ["nvidia-smi", f"--query-gpu={','.join(SETTINGS)}", "--format=csv"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def assert_whole(gpu: dict[str, Any]) -> None:
    """Every reading is a value or says why it has none; none is an error; none is beyond what can be."""
    unread = gpu["unread"]
    without = [name for name in readings.NAMES if gpu[name] is None]
    assert sorted([*unread["unsupported"], *unread["not_collected"]]) == sorted(without)
    assert (gpu["state"], unread["error"], unread["not_collected"]) == ("ok", {}, [])
    assert gpu["uuid"].startswith("GPU-")
    assert 0 < gpu["temperature_c"] < 110
    assert 0 < gpu["power_w"] < 2000
    assert 0 < gpu["memory_total_mib"] < 1_000_000


def test_nvml_answers_in_the_one_shape() -> None:
    found = nvml.collect(30.0)

    assert found["driver_version"]
    assert found["gpus"]
    for gpu in found["gpus"]:
        assert_whole(gpu)


@needs_smi
def test_nvml_and_nvidia_smi_agree() -> None:
    by_nvml, by_smi = nvml.collect(30.0), smi.collect(30.0, [])

    assert by_nvml["driver_version"] == by_smi["driver_version"]
    for one, other in zip(by_nvml["gpus"], by_smi["gpus"], strict=True):
        shared = [name for name in STEADY if name not in other["unread"]["not_collected"]]
        assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


@needs_smi
def test_counters_of_slowdown_have_the_unit_that_nvidia_smi_has() -> None:
    """NVML counts nanoseconds and nvidia-smi prints microseconds; between two looks they only grow."""
    names = ("sw_power_cap_us", "sw_thermal_slowdown_us", "hw_thermal_slowdown_us", "hw_power_brake_us")
    before, by_smi, after = nvml.collect(30.0), smi.collect(30.0, []), nvml.collect(30.0)

    for first, said, last in zip(before["gpus"], by_smi["gpus"], after["gpus"], strict=True):
        for name in names:
            if None not in (first[name], said[name], last[name]):
                assert first[name] <= said[name] <= last[name] + 1, name


@needs_smi
def test_a_look_at_the_whole_node_fits_agrees_with_itself_and_leaves_every_setting(tmp_path: Path) -> None:
    before = settings()
    found = collect(30.0, folders=[str(tmp_path)])

    node = node_of(found)
    assert (node.collector, node.attempts) == ("nvml", [])
    assert size_bytes(found) <= LIMIT_BYTES
    assert node.library_version in (None, node.driver_version)
    assert node.machine is not None
    assert settings() == before
    assert [path.name for path in tmp_path.iterdir()] == ["gpu-driver.lock"]


@pytest.mark.skipif(
    "EDGECTL_GPU_RECORDS" not in os.environ,
    reason="needs EDGECTL_GPU_RECORDS: a folder where what this GPU said is to be kept",
)
def test_what_this_gpu_said_is_recorded() -> None:
    found = collect(30.0)
    name = found["gpus"][0]["name"].replace(" ", "-").lower()
    path = Path(os.environ["EDGECTL_GPU_RECORDS"]) / f"{name}-{found['driver_version']}.json"
    path.write_text(json.dumps(_without_identity(found), indent=1), encoding="utf-8")

    assert json.loads(path.read_text(encoding="utf-8"))["gpus"]


def _without_identity(found: dict[str, Any]) -> dict[str, Any]:
    """Replace what names this very card: a record is to be shown to others."""
    gpus = [
        {**gpu, "uuid": f"GPU-{number:08d}", "serial": gpu["serial"] and f"{number:013d}", "processes": []}
        for number, gpu in enumerate(found["gpus"])
    ]
    return {**found, "xids": [], "events": [], "gpus": gpus, "boot_id": "", "machine": None}
