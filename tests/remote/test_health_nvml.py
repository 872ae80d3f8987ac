"""Each GPU model under each driver branch: the real pynvml over a library that lacks what the branch lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.gpu import readings, smi_xml
from tests.nvml.scenario import BRANCHES, COMPILER, NO_COMPILER, SKUS, Scene, collect_all

pytestmark = pytest.mark.skipif(COMPILER is None, reason=NO_COMPILER)
# What nvidia-smi's XML does not have.
NVML_ALONE = {"inforom_valid", "nvlinks", "nvlinks_active", "nvlink_errors", "hw_slowdown_us",
              "slowdown_temperature_c", "memory_limit_temperature_c"}  # fmt: skip
# What the XML has and the calls of an older branch have not.
SMI_EARLIER = {"margin_c"}


def gpu_of(scene: Scene, index: int = 0) -> dict[str, Any]:
    found = scene.collect()
    assert (found["collector"], found["attempts"]) == ("nvml", [])
    gpu: dict[str, Any] = found["gpus"][index]
    return gpu


@pytest.mark.parametrize("mig", [False, True])
def test_every_reading_of_every_model_and_branch_has_a_value_or_a_reason_and_none_is_an_error(
    tmp_path: Path, mig: bool
) -> None:
    on = {"gpu0.mig_mode": "1,1", "gpu0.mig_instances": "2"} if mig else {}
    skus = [sku for sku in SKUS if SKUS[sku].mig or not mig]
    scenes = [
        Scene(tmp_path / f"{sku}-{branch}", sku, branch, faults=on) for sku in skus for branch in BRANCHES
    ]

    for scene, found in zip(scenes, collect_all(scenes), strict=True):
        (gpu,) = found["gpus"]
        unread = gpu["unread"]
        without = [name for name in readings.NAMES if gpu[name] is None]
        assert (found["collector"], found["attempts"]) == ("nvml", []), scene
        assert (gpu["name"], gpu["mig_instances"] or 0) == (SKUS[scene.sku].name, 2 * mig), scene
        assert sorted(unread["unsupported"]) == sorted(without), scene
        assert (unread["error"], unread["not_collected"]) == ({}, []), scene


@pytest.mark.parametrize("sku", SKUS)
def test_every_model_says_the_same_through_nvidia_smi(tmp_path: Path, sku: str) -> None:
    scene = Scene(tmp_path, sku, "595", faults={"gpu0.remapped_rows": "3,5,1,0", "gpu0.mig_instances": "0"})
    by_nvml = gpu_of(scene)
    (by_smi,) = smi_xml.parse((tmp_path / "smi.xml").read_text(encoding="utf-8"))["gpus"]

    shared = [name for name in readings.NAMES if name not in NVML_ALONE and by_smi[name] is not None]
    assert len(shared) > 40
    assert {name: by_nvml[name] for name in shared} == {name: by_smi[name] for name in shared}


@pytest.mark.parametrize(
    ("branch", "lacks"),
    [
        ("535", {"margin_c", "memory_unrepairable", "recovery_action", "hw_thermal_slowdown_us"}),
        ("550", {"margin_c", "memory_unrepairable", "recovery_action", "hw_thermal_slowdown_us"}),
        ("570", {"memory_unrepairable", "hw_thermal_slowdown_us"}),
        ("580", {"memory_unrepairable"}),
        ("595", set[str]()),
    ],
)
def test_what_a_branch_lacks_is_unsupported_and_nothing_else_is(
    tmp_path: Path, branch: str, lacks: set[str]
) -> None:
    later = {"margin_c", "memory_unrepairable", "recovery_action", "hw_thermal_slowdown_us"}
    unsupported = set(gpu_of(Scene(tmp_path, branch=branch))["unread"]["unsupported"])

    assert unsupported & later == lacks


@pytest.mark.parametrize(
    ("branch", "health"), [("535", None), ("550", 2), ("570", 2), ("580", 2), ("595", 2)]
)
def test_the_fabric_is_asked_with_the_newest_struct_that_the_branch_takes(
    tmp_path: Path, branch: str, health: int | None
) -> None:
    gpu = gpu_of(Scene(tmp_path, "h200", branch, faults={"gpu0.fabric": "3,0,2"}))

    assert (gpu["fabric_state"], gpu["fabric_status"], gpu["fabric_health"]) == ("completed", 0, health)


@pytest.mark.parametrize(
    ("faults", "wanted"),
    [
        ({"gpu0.field.230": "2"}, {"recovery_action": "node-reboot"}),
        ({"gpu0.field.230": "42"}, {"recovery_action": "42"}),
        ({"gpu0.field.230": None, "gpu0.field.226": "1", "gpu0.field.227": "0"}, {"recovery_action": "gpu-reset"}),
        ({"gpu0.field.230": None, "gpu0.field.226": "0", "gpu0.field.227": "1"},
         {"recovery_action": "drain-and-reset"}),
        ({"gpu0.field.270": "ull:5000000000"}, {"hw_thermal_slowdown_us": 5_000_000, "hw_slowdown_us": None}),
        ({"gpu0.field.270": None, "gpu0.field.75": "ull:7000"},
         {"hw_thermal_slowdown_us": None, "hw_slowdown_us": 7}),
        ({"gpu0.nvmlDeviceGetRemappedRows": "ret:3", "gpu0.field.142": "1", "gpu0.field.143": "2",
          "gpu0.field.144": "1", "gpu0.field.145": "0"},
         {"remapped_rows_corrected": 1, "remapped_rows_uncorrected": 2, "remap_pending": True,
          "remap_failure": False}),
        ({"gpu0.remapped_rows": "0,600,0,1"}, {"remapped_rows_uncorrected": 600, "remap_failure": True}),
        # Four different counts, so that none can stand in for another.
        ({"gpu0.ecc.volatile.corrected": "1", "gpu0.ecc.aggregate.corrected": "2",
          "gpu0.ecc.volatile.uncorrected": "11", "gpu0.ecc.aggregate.uncorrected": "12"},
         {"ecc_volatile_corrected": 1, "ecc_aggregate_corrected": 2, "ecc_volatile_uncorrected": 11,
          "ecc_aggregate_uncorrected": 12}),
        ({"gpu0.remap_banks": "500,6,3,2,1"}, {"remap_banks": [500, 6, 3, 2, 1]}),
        ({"gpu0.ecc.sram": "3,1"}, {"ecc_sram_uncorrected": 3, "ecc_sram_threshold_exceeded": True}),
        ({"gpu0.inforom_valid": "0"}, {"inforom_valid": False}),
        ({"gpu0.retired.single": "2", "gpu0.retired.double": "1", "gpu0.retired.pending": "1"},
         {"retired_pages": 3, "retired_pages_pending": True}),
        ({"gpu0.mig_mode": "1,1", "gpu0.mig_instances": "3"}, {"mig_mode": True, "mig_instances": 3}),
        ({"gpu0.mig_mode": "0,1"}, {"mig_mode": False, "mig_mode_pending": True, "mig_instances": 0}),
        ({"gpu0.field.185": "300000", "gpu0.field.186": "310500"}, {"power_average_w": 300.0, "power_w": 310.5}),
        ({"gpu0.temperature": "91", "gpu0.margin": "-3"}, {"temperature_c": 91, "margin_c": -3}),
    ],
)  # fmt: skip
def test_a_reading_is_what_the_driver_says(
    tmp_path: Path, faults: dict[str, str | None], wanted: dict[str, Any]
) -> None:
    gpu = gpu_of(Scene(tmp_path, branch="580", faults=faults))

    assert {name: gpu[name] for name in wanted} == wanted


def test_nvlink_errors_are_summed_over_the_links_that_have_counters(tmp_path: Path) -> None:
    faults = {"gpu0.nvlinks": "18,17", "gpu0.field.206.3": "ull:2", "gpu0.field.214.17": "ull:5"}
    gpu = gpu_of(Scene(tmp_path, "b200", "580", faults=faults))

    assert (gpu["nvlinks"], gpu["nvlinks_active"], gpu["nvlink_errors"]) == (18, 17, 7)


def test_a_call_that_the_branch_lacks_gives_way_to_the_older_one(tmp_path: Path) -> None:
    newer = (
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetTemperatureV",
    )
    gpu = gpu_of(Scene(tmp_path, branch="535", lacking=newer, faults={"gpu0.event_reasons": "0x48"}))

    assert gpu["clocks_event_reasons"] == ["hw_slowdown", "hw_thermal_slowdown"]
    assert (gpu["memory_total_mib"], gpu["temperature_c"]) == (97887, 34)


def test_one_reading_that_fails_is_that_readings_error_alone(tmp_path: Path) -> None:
    faults = {"gpu0.nvmlDeviceGetTotalEccErrors": "ret:999", "gpu0.field.230": "ret:999"}
    gpu = gpu_of(Scene(tmp_path, faults=faults))

    assert set(gpu["unread"]["error"]) == {
        "ecc_volatile_corrected", "ecc_volatile_uncorrected", "ecc_aggregate_corrected",
        "ecc_aggregate_uncorrected", "recovery_action",
    }  # fmt: skip
    assert gpu["state"] == "ok"


def test_what_root_alone_may_ask_is_not_collected_and_no_error(tmp_path: Path) -> None:
    unread = gpu_of(Scene(tmp_path, faults={"gpu0.nvmlDeviceValidateInforom": "ret:4"}))["unread"]

    assert (unread["not_collected"], unread["error"]) == (["inforom_valid"], {})


@pytest.mark.parametrize("faults", [{"gpu1.all": "ret:15"}, {"gpu1.nvmlDeviceGetTemperatureV": "ret:15"}])
def test_a_gpu_that_is_lost_is_told_beside_the_others(tmp_path: Path, faults: dict[str, str]) -> None:
    found = Scene(tmp_path, gpus=2, faults=faults).collect()

    assert [gpu["state"] for gpu in found["gpus"]] == ["ok", "lost"]


def test_processes_are_told_with_what_they_hold(tmp_path: Path) -> None:
    gpu = gpu_of(Scene(tmp_path, faults={"gpu0.processes": "1:512,4194303:64"}))

    first, gone = gpu["processes"]
    assert (first["pid"], first["used_mib"]) == (1, 512)
    assert first["age_s"] is not None
    assert gone == {"pid": 4194303, "name": "?", "used_mib": 64, "age_s": None}


def test_the_state_may_change_while_nobody_restarts_the_library(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    before = gpu_of(scene)["recovery_action"]
    scene.play({"gpu0.field.230": "1"})

    assert (before, gpu_of(scene)["recovery_action"]) == ("none", "gpu-reset")
