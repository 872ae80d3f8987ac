"""`nvidia-smi -q -x` becomes readings. Elements are sought by all the names that driver branches gave them.

Checked against captures of real nodes: 570.148 (A100), 580.173 (GB200), 595.91 (L40S, T4). Before 535 the
event reasons were `clocks_throttle_reasons` and the power readings `power_readings`; GPUs before Turing count
ECC errors as single and double bits.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # the host's own nvidia-smi wrote it
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgectl.remote.gpu.readings import LOST, RECOVERY_ACTIONS, Gpu, bus_id

_UNSUPPORTED = frozenset(
    {"n/a", "not supported", "none", "not available", "requested functionality has been deprecated"}
)
_LOST = re.compile(r"gpu is lost", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_POWERS = ("gpu_power_readings", "power_readings", "module_power_readings")
_REASONS = ("clocks_event_reasons", "clocks_throttle_reasons")
_REASON_PREFIXES = ("clocks_event_reason_", "clocks_throttle_reason_", "clocks_event_reasons_")


def _text(text: str) -> str:
    return text


def _integer(text: str) -> int:
    return int(_number(text))


def _number(text: str) -> float:
    found = _NUMBER.match(text)
    if found is None:
        raise ValueError(text)
    return float(found.group())


_WORDS = {"yes": True, "no": False, "enabled": True, "disabled": False, "on": True, "off": False}


def _truth(text: str) -> bool:
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


def _powers(*names: str) -> Tuple[str, ...]:
    return tuple(f"{at}/{name}" for name in names for at in _POWERS)


_Reader = Callable[[str], Any]
_COUNTERS = "clocks_event_reasons_counters/clocks_event_reasons_counters_"
_LINK = "pci/pci_gpu_link_info"
# The reading, what it is, and its elements in the order in which they are sought.
_ELEMENTS: Tuple[Tuple[str, _Reader, Tuple[str, ...]], ...] = (
    ("uuid", _text, ("uuid",)),
    ("serial", _text, ("serial",)),
    ("name", _text, ("product_name",)),
    ("pci_bus_id", bus_id, ("pci/pci_bus_id",)),
    ("vbios", _text, ("vbios_version",)),
    ("memory_total_mib", _integer, ("fb_memory_usage/total",)),
    ("memory_used_mib", _integer, ("fb_memory_usage/used",)),
    ("temperature_c", _number, ("temperature/gpu_temp",)),
    ("memory_temperature_c", _number, ("temperature/memory_temp",)),
    ("margin_c", _number, ("temperature/gpu_temp_tlimit",)),
    ("slowdown_margin_c", _number, ("temperature/gpu_temp_slow_tlimit_threshold",)),
    ("slowdown_temperature_c", _number, ("temperature/gpu_temp_slow_threshold",)),
    ("power_w", _number, _powers("instant_power_draw", "average_power_draw", "power_draw")),
    ("power_limit_w", _number, _powers("current_power_limit", "power_limit", "enforced_power_limit")),
    ("power_limit_default_w", _number, _powers("default_power_limit")),
    ("clock_sm_mhz", _integer, ("clocks/sm_clock",)),
    ("clock_memory_mhz", _integer, ("clocks/mem_clock",)),
    ("performance_state", _text, ("performance_state",)),
    ("utilization_percent", _number, ("utilization/gpu_util",)),
    ("sw_thermal_slowdown_us", _integer, (f"{_COUNTERS}sw_therm_slowdown",)),
    ("hw_thermal_slowdown_us", _integer, (f"{_COUNTERS}hw_therm_slowdown",)),
    ("hw_power_brake_us", _integer, (f"{_COUNTERS}hw_power_brake",)),
    ("ecc_mode", _truth, ("ecc_mode/current_ecc",)),
    ("ecc_mode_pending", _truth, ("ecc_mode/pending_ecc",)),
    ("remapped_rows_corrected", _integer, ("remapped_rows/remapped_row_corr",)),
    ("remapped_rows_uncorrected", _integer, ("remapped_rows/remapped_row_unc",)),
    ("remap_pending", _truth, ("remapped_rows/remapped_row_pending",)),
    ("remap_failure", _truth, ("remapped_rows/remapped_row_failure",)),
    ("pcie_gen", _integer, (f"{_LINK}/pcie_gen/current_link_gen",)),
    ("pcie_gen_max", _integer, (f"{_LINK}/pcie_gen/max_link_gen",)),
    ("pcie_width", _integer, (f"{_LINK}/link_widths/current_link_width",)),
    ("pcie_width_max", _integer, (f"{_LINK}/link_widths/max_link_width",)),
    ("pcie_replays", _integer, ("pci/replay_counter",)),
    ("mig_mode", _truth, ("mig_mode/current_mig",)),
    ("mig_mode_pending", _truth, ("mig_mode/pending_mig",)),
    ("persistence_mode", _truth, ("persistence_mode",)),
    ("recovery_action", _recovery, ("gpu_recovery_action",)),
)  # fmt: skip
# A sum over the memories of a GPU; before Turing one element `total` had it.
_ECC = {
    "corrected": ("sram_correctable", "dram_correctable"),
    "uncorrected": (
        "sram_uncorrectable",
        "sram_uncorrectable_parity",
        "sram_uncorrectable_secded",
        "dram_uncorrectable",
    ),
}
_ECC_TOTALS = {"corrected": "single_bit/total", "uncorrected": "double_bit/total"}


def parse(text: str) -> Dict[str, Any]:
    """Return `driver_version` and `gpus`. Raises `ValueError` where the text is not nvidia-smi's XML."""
    start = text.find("<?xml")
    try:
        root = ET.fromstring(text[max(start, 0) :])  # noqa: S314 - as above
    except ET.ParseError as error:
        raise ValueError(f"not XML: {error}") from None
    if root.tag != "nvidia_smi_log":
        raise ValueError(f"not nvidia-smi's XML but <{root.tag}>")
    gpus = [_gpu(index, element) for index, element in enumerate(root.findall("gpu"))]
    return {"driver_version": root.findtext("driver_version"), "gpus": gpus}


def _gpu(index: int, element: ET.Element) -> Dict[str, Any]:
    gpu = Gpu(index)
    for name, reader, paths in _ELEMENTS:
        _note(gpu, name, reader, _texts(element, paths))
    for when in ("volatile", "aggregate"):
        for kind in _ECC:
            _note_ecc(gpu, element, when, kind)
    _note_reasons(gpu, element)
    if gpu.get("pci_bus_id") is None:
        gpu.value("pci_bus_id", bus_id(element.get("id", "0:0:0")))
    if any(_LOST.search(part.text or "") for part in element.iter()):
        gpu.state = LOST
    return gpu.as_dict()


def _texts(element: ET.Element, paths: Tuple[str, ...]) -> List[str]:
    """Return what the elements say that are there, the first with a value first."""
    present = [text for text in (_said(element, path) for path in paths) if text is not None]
    return sorted(present, key=_is_unsupported)


def _said(element: ET.Element, path: str) -> Optional[str]:
    """Return an element's text; a section that is only a word, as `N/A`, says so for all that is in it."""
    for step in path.split("/"):
        inner = element.find(step)
        if inner is None:
            text = (element.text or "").strip()
            return text if len(element) == 0 and text else None
        element = inner
    return (element.text or "").strip()


def _is_unsupported(text: str) -> bool:
    return text.strip("[]").lower() in _UNSUPPORTED


def _note(gpu: Gpu, name: str, reader: _Reader, texts: List[str]) -> None:
    if not texts:
        return
    if _is_unsupported(texts[0]) and not (name == "recovery_action" and texts[0] == "None"):
        gpu.unsupported(name)
        return
    try:
        gpu.value(name, reader(texts[0]))
    except ValueError:
        gpu.error(name, texts[0].strip("[]") or "empty")


def _note_ecc(gpu: Gpu, element: ET.Element, when: str, kind: str) -> None:
    name = f"ecc_{when}_{kind}"
    parts = [_said(element, f"ecc_errors/{when}/{part}") for part in _ECC[kind]]
    present = [text for text in parts if text is not None]
    if not present:
        _note(gpu, name, _integer, _texts(element, (f"ecc_errors/{when}/{_ECC_TOTALS[kind]}",)))
        return
    values = [text for text in present if not _is_unsupported(text)]
    if not values:
        gpu.unsupported(name)
        return
    unclear = [text for text in values if not _NUMBER.match(text)]
    if unclear:
        gpu.error(name, unclear[0].strip("[]"))
    else:
        gpu.value(name, sum(_integer(text) for text in values))


def _note_reasons(gpu: Gpu, element: ET.Element) -> None:
    name = "clocks_event_reasons"
    section = _first(element, _REASONS)
    if section is None:
        return
    if len(section) == 0:
        _note(gpu, name, _no_list, [(section.text or "").strip()])
        return
    gpu.value(name, [_reason(part.tag) for part in section if (part.text or "").strip() == "Active"])


def _no_list(text: str) -> Any:
    raise ValueError(text)


def _first(element: ET.Element, names: Tuple[str, ...]) -> Optional[ET.Element]:
    for name in names:
        found = element.find(name)
        if found is not None:
            return found
    return None


def _reason(tag: str) -> str:
    for prefix in _REASON_PREFIXES:
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return tag
