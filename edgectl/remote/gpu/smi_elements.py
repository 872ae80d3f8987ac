"""What nvidia-smi's XML calls each reading, by all the names that driver branches gave it, and how to read it."""

from __future__ import annotations

import re
from typing import Any, Callable, Tuple

from edgectl.remote.gpu.readings import RECOVERY_ACTIONS, bus_id

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_POWERS = ("gpu_power_readings", "power_readings", "module_power_readings")


def _text(text: str) -> str:
    return text


def integer(text: str) -> int:
    """Return the whole number at the beginning of a text."""
    return int(_number(text))


def _number(text: str) -> float:
    found = NUMBER.match(text)
    if found is None:
        raise ValueError(text)
    return float(found.group())


_WORDS = {"yes": True, "no": False, "enabled": True, "disabled": False, "on": True, "off": False}


def truth(text: str) -> bool:
    """Return what yes, on and enabled mean."""
    if text.lower() not in _WORDS:
        raise ValueError(text)
    return _WORDS[text.lower()]


def _recovery(text: str) -> str:
    """Return nvidia-smi's word under NVML's name; a word nobody has seen is kept."""
    word = text.lower().replace(" ", "-")
    said = {
        "reset": RECOVERY_ACTIONS[1],
        "reboot": RECOVERY_ACTIONS[2],
        "gpu-reset-required": RECOVERY_ACTIONS[1],
    }
    return said.get(word, word)


def _state(text: str) -> str:
    return text.lower().replace(" ", "-")


def _status(text: str) -> int:
    """Return NVML's code; nvidia-smi words only the good one."""
    if text != "Success":
        raise ValueError(text)
    return 0


def _powers(*names: str) -> Tuple[str, ...]:
    return tuple(f"{at}/{name}" for name in names for at in _POWERS)


Reader = Callable[[str], Any]
_COUNTERS = "clocks_event_reasons_counters/clocks_event_reasons_counters_"
_LINK = "pci/pci_gpu_link_info"
# The reading, what it is, and its elements in the order in which they are sought.
ELEMENTS: Tuple[Tuple[str, Reader, Tuple[str, ...]], ...] = (
    ("uuid", _text, ("uuid",)),
    ("serial", _text, ("serial",)),
    ("name", _text, ("product_name",)),
    ("pci_bus_id", bus_id, ("pci/pci_bus_id",)),
    ("vbios", _text, ("vbios_version",)),
    ("memory_total_mib", integer, ("fb_memory_usage/total",)),
    ("memory_used_mib", integer, ("fb_memory_usage/used",)),
    ("temperature_c", _number, ("temperature/gpu_temp",)),
    ("memory_temperature_c", _number, ("temperature/memory_temp",)),
    ("margin_c", _number, ("temperature/gpu_temp_tlimit",)),
    ("slowdown_margin_c", _number, ("temperature/gpu_temp_slow_tlimit_threshold",)),
    ("slowdown_temperature_c", _number, ("temperature/gpu_temp_slow_threshold",)),
    ("power_w", _number, _powers("instant_power_draw", "average_power_draw", "power_draw")),
    ("power_limit_w", _number, _powers("current_power_limit", "power_limit", "enforced_power_limit")),
    ("power_limit_default_w", _number, _powers("default_power_limit")),
    ("clock_sm_mhz", integer, ("clocks/sm_clock",)),
    ("clock_memory_mhz", integer, ("clocks/mem_clock",)),
    ("performance_state", _text, ("performance_state",)),
    ("utilization_percent", _number, ("utilization/gpu_util",)),
    ("sw_thermal_slowdown_us", integer, (f"{_COUNTERS}sw_therm_slowdown",)),
    ("hw_thermal_slowdown_us", integer, (f"{_COUNTERS}hw_therm_slowdown",)),
    ("hw_power_brake_us", integer, (f"{_COUNTERS}hw_power_brake",)),
    ("ecc_mode", truth, ("ecc_mode/current_ecc",)),
    ("ecc_mode_pending", truth, ("ecc_mode/pending_ecc",)),
    ("remapped_rows_corrected", integer, ("remapped_rows/remapped_row_corr",)),
    ("remapped_rows_uncorrected", integer, ("remapped_rows/remapped_row_unc",)),
    ("remap_pending", truth, ("remapped_rows/remapped_row_pending",)),
    ("remap_failure", truth, ("remapped_rows/remapped_row_failure",)),
    ("pcie_gen", integer, (f"{_LINK}/pcie_gen/current_link_gen",)),
    ("pcie_gen_max", integer, (f"{_LINK}/pcie_gen/max_link_gen",)),
    ("pcie_width", integer, (f"{_LINK}/link_widths/current_link_width",)),
    ("pcie_width_max", integer, (f"{_LINK}/link_widths/max_link_width",)),
    ("pcie_replays", integer, ("pci/replay_counter",)),
    ("mig_mode", truth, ("mig_mode/current_mig",)),
    ("mig_mode_pending", truth, ("mig_mode/pending_mig",)),
    ("persistence_mode", truth, ("persistence_mode",)),
    ("recovery_action", _recovery, ("gpu_recovery_action",)),
    ("board_part", _text, ("board_part_number",)),
    ("architecture", _text, ("product_architecture",)),
    ("inforom", _text, ("inforom_version/img_version",)),
    ("gsp_firmware", _text, ("gsp_firmware_version",)),
    ("memory_limit_temperature_c", _number, ("temperature/gpu_temp_max_mem_threshold",)),
    ("power_average_w", _number, _powers("average_power_draw")),
    ("clock_sm_max_mhz", integer, ("max_clocks/sm_clock",)),
    ("sw_power_cap_us", integer, (f"{_COUNTERS}sw_power_cap",)),
    ("ecc_sram_threshold_exceeded", truth, ("ecc_errors/aggregate/sram_threshold_exceeded",)),
    ("memory_unrepairable", truth, ("ecc_errors/unrepairable_memory",)),
    ("retired_pages_pending", truth, ("retired_pages/pending_retirement", "retired_pages/pending_blacklist")),
    ("fabric_state", _state, ("fabric/state",)),
    ("fabric_status", _status, ("fabric/status",)),
)  # fmt: skip
