"""`nvidia-smi -q -x` of several driver branches, in documents of our own that carry the forms of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.gpu import readings, smi_xml

DOCUMENTS = Path(__file__).parents[1] / "golden" / "health" / "smi"


def parsed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = smi_xml.parse((DOCUMENTS / f"{name}.xml").read_text(encoding="utf-8"))
    return found


def one(name: str) -> dict[str, Any]:
    (gpu,) = parsed(name)["gpus"]
    assert isinstance(gpu, dict)
    return gpu


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "470-v100",
            {
                "temperature_c": 41.0,
                "margin_c": None,
                "slowdown_temperature_c": 87.0,
                "power_w": 43.2,
                "power_limit_w": 300.0,
                "clocks_event_reasons": ["sw_power_cap"],
                "ecc_volatile_corrected": 3,
                "ecc_volatile_uncorrected": 1,
                "recovery_action": None,
                "pcie_width": 16,
            },
        ),
        (
            "570-a100",
            {
                "slowdown_temperature_c": 89.0,
                "power_w": 49.7,
                "ecc_aggregate_uncorrected": 5,
                "remapped_rows_corrected": 1,
                "remapped_rows_uncorrected": 2,
                "remap_pending": True,
                "remap_failure": False,
                "mig_mode": True,
                "recovery_action": "none",
            },
        ),
        (
            "580-rtx-pro-6000",
            {
                "memory_total_mib": 97887,
                "margin_c": 52.0,
                "slowdown_margin_c": -2.0,
                "hw_thermal_slowdown_us": 120,
                "clocks_event_reasons": ["hw_slowdown", "hw_thermal_slowdown"],
                "recovery_action": "gpu-reset",
                "persistence_mode": False,
                "pcie_gen": 5,
            },
        ),
        (
            "595-l40s",
            {
                "margin_c": 59.0,
                "pcie_width": 8,
                "pcie_width_max": 16,
                "mig_mode": None,
                "clock_sm_mhz": 2040,
                "clocks_event_reasons": ["gpu_idle"],
            },
        ),
    ],
)
def test_every_branch_is_read_under_its_own_names(name: str, wanted: dict[str, Any]) -> None:
    gpu = one(name)

    assert {reading: gpu[reading] for reading in wanted} == wanted


@pytest.mark.parametrize("name", ["470-v100", "570-a100", "580-rtx-pro-6000", "595-l40s", "580-sick"])
def test_every_reading_is_there_whatever_the_branch(name: str) -> None:
    for gpu in parsed(name)["gpus"]:
        unread = gpu["unread"]
        without = {*unread["unsupported"], *unread["error"], *unread["not_collected"]}

        assert set(readings.NAMES) <= set(gpu)
        assert without == {reading for reading in readings.NAMES if gpu[reading] is None}


def test_unsupported_is_neither_zero_nor_an_error() -> None:
    gpu = one("470-v100")

    assert gpu["remapped_rows_uncorrected"] is None
    assert {"remap_pending", "mig_mode"} <= set(gpu["unread"]["unsupported"])
    assert gpu["unread"]["error"] == {}


def test_what_could_not_be_read_is_an_error_with_its_words() -> None:
    gpu = parsed("580-sick")["gpus"][0]

    assert gpu["unread"]["error"] == {
        "temperature_c": "Unknown Error",
        "power_w": "ERR!",
        "power_average_w": "ERR!",
        "ecc_volatile_uncorrected": "ERR!",
    }
    assert (gpu["temperature_c"], gpu["state"]) == (None, "ok")


def test_a_process_without_a_number_costs_no_other_reading() -> None:
    text = (DOCUMENTS / "570-a100.xml").read_text(encoding="utf-8")
    said = "<process_info><pid>N/A</pid><process_name>/usr/bin/vllm serve</process_name></process_info>"
    (gpu,) = smi_xml.parse(text.replace("</gpu>", f"<processes>{said}</processes></gpu>"))["gpus"]

    assert gpu["processes"] == [{"pid": 0, "name": "vllm", "used_mib": None, "age_s": None}]
    assert gpu["temperature_c"] is not None


def test_a_gpu_that_says_it_is_lost_stays_in_the_list() -> None:
    lost = parsed("580-sick")["gpus"][1]

    assert (lost["state"], lost["index"], lost["pci_bus_id"]) == ("lost", 1, "00000000:51:00.0")


@pytest.mark.parametrize(
    "text", ["", "No devices were found\n", "<?xml version='1.0'?><nvidia_smi_log><gpu>", "<a/>"]
)
def test_what_is_not_its_xml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        smi_xml.parse(text)


SAID_BY_ALL = ("uuid", "serial", "name", "pci_bus_id", "vbios", "board_part", "architecture", "inforom",
               "memory_total_mib", "memory_used_mib", "temperature_c", "power_w", "power_limit_w",
               "power_limit_default_w", "ecc_mode", "ecc_volatile_uncorrected", "ecc_aggregate_uncorrected",
               "ecc_sram_uncorrected", "clocks_event_reasons", "clock_sm_mhz", "clock_sm_max_mhz",
               "performance_state", "utilization_percent", "pcie_width", "pcie_width_max", "pcie_gen",
               "pcie_gen_max", "pcie_replays", "persistence_mode", "recovery_action", "processes")  # fmt: skip
# What nvidia-smi's XML has on no GPU, and what it says under one name or another, or on later drivers only.
IN_NO_XML = {"inforom_valid", "hw_slowdown_us", "nvlinks", "nvlinks_active", "nvlink_errors",
             "pcie_aer_correctable", "pcie_aer_nonfatal", "pcie_aer_fatal"}  # fmt: skip
NOT_IN_EACH = {"slowdown_margin_c", "slowdown_temperature_c", "memory_limit_temperature_c",
               "memory_unrepairable", "ecc_sram_threshold_exceeded", "sw_thermal_slowdown_us",
               "hw_thermal_slowdown_us", "hw_power_brake_us", "sw_power_cap_us"}  # fmt: skip


@pytest.mark.skipif(
    "EDGECTL_SMI_CAPTURES" not in os.environ,
    reason="needs EDGECTL_SMI_CAPTURES: a folder of real `nvidia-smi -q -x` outputs",
)
def test_every_real_capture_is_read_whole() -> None:
    paths = sorted(Path(os.environ["EDGECTL_SMI_CAPTURES"]).glob("*.xml"))
    for path in paths:
        found = smi_xml.parse(path.read_text(encoding="utf-8"))
        assert found["driver_version"], path
        assert found["gpus"], path
        for gpu in found["gpus"]:
            assert gpu["unread"]["error"] == {}, path
            assert [name for name in SAID_BY_ALL if gpu[name] is None] == [], path
            assert set(gpu["unread"]["not_collected"]) <= IN_NO_XML | NOT_IN_EACH, path
            assert gpu["slowdown_margin_c"] is not None or gpu["slowdown_temperature_c"] is not None, path
    assert paths


def test_what_root_alone_may_ask_is_not_collected() -> None:
    text = (DOCUMENTS / "570-a100.xml").read_text(encoding="utf-8")
    closed = text.replace("<vbios_version>90.00.00.00.01<", "<vbios_version>Insufficient Permissions<")
    (gpu,) = smi_xml.parse(closed)["gpus"]

    assert closed != text
    assert "vbios" in gpu["unread"]["not_collected"]


def test_the_words_of_the_fabric_become_the_mask_that_nvml_has() -> None:
    text = (DOCUMENTS / "570-a100.xml").read_text(encoding="utf-8")
    health = "<bandwidth>Degraded</bandwidth><route_unhealthy>False</route_unhealthy>"
    fabric = (
        f"<fabric><state>In Progress</state><status>Success</status><health>{health}</health></fabric></gpu>"
    )
    (gpu,) = smi_xml.parse(text.replace("</gpu>", fabric))["gpus"]

    assert (gpu["fabric_state"], gpu["fabric_status"], gpu["fabric_health"]) == ("in-progress", 0, 0b100001)
