"""What the XML of a real `nvidia-smi -q -x` says about one GPU, read a second way: element by element, by its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

# What nvidia-smi never says: NVML alone has it, or the kernel.
IN_NO_XML = frozenset(
    {
        *("inforom_valid", "hw_slowdown_us", "nvlinks", "nvlinks_active", "nvlink_errors"),
        *("pcie_aer_correctable", "pcie_aer_nonfatal", "pcie_aer_fatal"),
    }
)
NOT_COLLECTED, UNSUPPORTED = "not collected", "unsupported"
_NONE = frozenset({"N/A", "Requested functionality has been deprecated"})
_REASONS = "clocks_event_reasons_counters/clocks_event_reasons_counters_"
_TRUTHS = {"Yes": True, "Enabled": True, "No": False, "Disabled": False}

Reader = Callable[[str], Any]


def number(text: str) -> float:
    """Return the number before a unit: `49.68 W`, `16x`, `640 bank(s)`."""
    return float(re.split(r"[ x]", text)[0])


SIMPLE: dict[str, tuple[Reader, Sequence[str]]] = {
    "uuid": (str, ["uuid"]),
    "serial": (str, ["serial"]),
    "name": (str, ["product_name"]),
    "pci_bus_id": (str, ["pci/pci_bus_id"]),
    "vbios": (str, ["vbios_version"]),
    "board_part": (str, ["board_part_number"]),
    "architecture": (str, ["product_architecture"]),
    "inforom": (str, ["inforom_version/img_version"]),
    "gsp_firmware": (str, ["gsp_firmware_version"]),
    "performance_state": (str, ["performance_state"]),
    "memory_total_mib": (number, ["fb_memory_usage/total"]),
    "memory_used_mib": (number, ["fb_memory_usage/used"]),
    "temperature_c": (number, ["temperature/gpu_temp"]),
    "memory_temperature_c": (number, ["temperature/memory_temp"]),
    "memory_limit_temperature_c": (number, ["temperature/gpu_temp_max_mem_threshold"]),
    "margin_c": (number, ["temperature/gpu_temp_tlimit"]),
    "slowdown_margin_c": (number, ["temperature/gpu_temp_slow_tlimit_threshold"]),
    "slowdown_temperature_c": (number, ["temperature/gpu_temp_slow_threshold"]),
    "power_w": (number, ["gpu_power_readings/instant_power_draw", "gpu_power_readings/average_power_draw"]),
    "power_average_w": (
        number,
        ["gpu_power_readings/average_power_draw", "module_power_readings/average_power_draw"],
    ),
    "power_limit_w": (number, ["gpu_power_readings/current_power_limit"]),
    "power_limit_default_w": (number, ["gpu_power_readings/default_power_limit"]),
    "clock_sm_mhz": (number, ["clocks/sm_clock"]),
    "clock_sm_max_mhz": (number, ["max_clocks/sm_clock"]),
    "clock_memory_mhz": (number, ["clocks/mem_clock"]),
    "utilization_percent": (number, ["utilization/gpu_util"]),
    "sw_power_cap_us": (number, [f"{_REASONS}sw_power_cap"]),
    "sw_thermal_slowdown_us": (number, [f"{_REASONS}sw_therm_slowdown"]),
    "hw_thermal_slowdown_us": (number, [f"{_REASONS}hw_therm_slowdown"]),
    "hw_power_brake_us": (number, [f"{_REASONS}hw_power_brake"]),
    "remapped_rows_corrected": (number, ["remapped_rows/remapped_row_corr"]),
    "remapped_rows_uncorrected": (number, ["remapped_rows/remapped_row_unc"]),
    "remap_pending": (_TRUTHS.__getitem__, ["remapped_rows/remapped_row_pending"]),
    "remap_failure": (_TRUTHS.__getitem__, ["remapped_rows/remapped_row_failure"]),
    "retired_pages_pending": (
        _TRUTHS.__getitem__,
        ["retired_pages/pending_retirement", "retired_pages/pending_blacklist"],
    ),
    "ecc_mode": (_TRUTHS.__getitem__, ["ecc_mode/current_ecc"]),
    "ecc_mode_pending": (_TRUTHS.__getitem__, ["ecc_mode/pending_ecc"]),
    "ecc_sram_threshold_exceeded": (_TRUTHS.__getitem__, ["ecc_errors/aggregate/sram_threshold_exceeded"]),
    "memory_unrepairable": (_TRUTHS.__getitem__, ["ecc_errors/unrepairable_memory"]),
    "mig_mode": (_TRUTHS.__getitem__, ["mig_mode/current_mig"]),
    "mig_mode_pending": (_TRUTHS.__getitem__, ["mig_mode/pending_mig"]),
    "persistence_mode": (_TRUTHS.__getitem__, ["persistence_mode"]),
    "recovery_action": (str.lower, ["gpu_recovery_action"]),
    "pcie_gen": (number, ["pci/pci_gpu_link_info/pcie_gen/current_link_gen"]),
    "pcie_gen_max": (number, ["pci/pci_gpu_link_info/pcie_gen/max_link_gen"]),
    "pcie_width": (number, ["pci/pci_gpu_link_info/link_widths/current_link_width"]),
    "pcie_width_max": (number, ["pci/pci_gpu_link_info/link_widths/max_link_width"]),
    "pcie_replays": (number, ["pci/replay_counter"]),
    "fabric_state": (str.lower, ["fabric/state"]),
    "fabric_status": ({"Success": 0}.__getitem__, ["fabric/status"]),
}


def said(gpu: ET.Element, name: str) -> Any:
    """Return what one element says; `UNSUPPORTED` where it or its section says N/A, else `NOT_COLLECTED`."""
    reader, paths = SIMPLE[name]
    if (gpu.findtext(paths[0].partition("/")[0]) or "").strip() in _NONE:
        return UNSUPPORTED
    texts = [found.strip() for path in paths if (found := gpu.findtext(path)) is not None]
    values = [text for text in texts if text not in _NONE]
    if values:
        return reader(values[0])
    return UNSUPPORTED if texts else NOT_COLLECTED


def _sum(gpu: ET.Element, path: str, words: str) -> Any:
    texts = [part.text or "" for part in _parts(gpu, path) if re.search(words, part.tag)]
    values = [number(text) for text in texts if text not in _NONE]
    return sum(values) if values else UNSUPPORTED


def _parts(gpu: ET.Element, path: str) -> Iterable[ET.Element]:
    section = gpu.find(path)
    assert section is not None, path
    return section.iter()


def _reasons(gpu: ET.Element) -> list[str]:
    active = [part.tag for part in _parts(gpu, "clocks_event_reasons") if part.text == "Active"]
    return [tag.removeprefix("clocks_event_reason_") for tag in active]


def _banks(gpu: ET.Element) -> Any:
    texts = [
        part.text or "" for part in _parts(gpu, "remapped_rows") if "row_remapper_histogram_" in part.tag
    ]
    return [number(text) for text in texts] if texts and texts[0] not in _NONE else UNSUPPORTED


def _fabric_health(gpu: ET.Element) -> Any:
    """Two bits a word, from the lowest on: 2 where all is well."""
    well = {"bandwidth": "Full"}
    words = [
        (part.tag, part.text)
        for part in _parts(gpu, "fabric/health")
        if part.tag not in ("health", "summary")
    ]
    if all(text in _NONE for _, text in words):
        return UNSUPPORTED
    assert all(text == well.get(tag, "False") for tag, text in words[:4]), words
    return 0b10101010


SUMMED: dict[str, Callable[[ET.Element], Any]] = {
    "ecc_volatile_corrected": lambda gpu: _sum(gpu, "ecc_errors/volatile", r"am_correctable"),
    "ecc_volatile_uncorrected": lambda gpu: _sum(gpu, "ecc_errors/volatile", r"am_uncorrectable"),
    "ecc_aggregate_corrected": lambda gpu: _sum(gpu, "ecc_errors/aggregate", r"am_correctable"),
    "ecc_aggregate_uncorrected": lambda gpu: _sum(gpu, "ecc_errors/aggregate", r"am_uncorrectable"),
    "ecc_sram_uncorrected": lambda gpu: _sum(gpu, "ecc_errors/aggregate", r"^sram_uncorrectable"),
    "retired_pages": lambda gpu: _sum(gpu, "retired_pages", "_count$"),
    "clocks_event_reasons": _reasons,
    "remap_banks": _banks,
    "fabric_health": _fabric_health,
    "mig_instances": lambda gpu: (
        UNSUPPORTED if said(gpu, "mig_mode") == UNSUPPORTED else len(gpu.findall("mig_devices/mig_device"))
    ),
    "processes": lambda gpu: gpu.findall("processes/process_info"),
}
