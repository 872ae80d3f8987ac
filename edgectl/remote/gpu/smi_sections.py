"""Readings of nvidia-smi's XML that are more than one element: sums, lists, the mask of the fabric's health."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET  # the host's own nvidia-smi wrote it
from typing import Any, Dict, List, Optional, Tuple

from edgectl.remote.gpu.readings import Gpu
from edgectl.remote.gpu.smi_elements import NUMBER, integer
from edgectl.remote.gpu.smi_texts import is_unsupported, note, said, texts

_REASONS = ("clocks_event_reasons", "clocks_throttle_reasons")
_REASON_PREFIXES = ("clocks_event_reason_", "clocks_throttle_reason_", "clocks_event_reasons_")
# A sum over the memories of a GPU; before Turing one element `total` had it.
_SRAM_UNCORRECTED = ("sram_uncorrectable", "sram_uncorrectable_parity", "sram_uncorrectable_secded")
_ECC = {
    "corrected": ("sram_correctable", "dram_correctable"),
    "uncorrected": (*_SRAM_UNCORRECTED, "dram_uncorrectable"),
}
_ECC_TOTALS = {"corrected": "single_bit/total", "uncorrected": "double_bit/total"}
_RETIRED = ("multiple_single_bit_retirement", "double_bit_retirement")
_RETIRED_COUNTS = ("retired_count", "retired_page_count")
_BANKS = ("max", "high", "partial", "low", "none")
# nvml.h, NVML_GPU_FABRIC_HEALTH_MASK_*: where each word's two bits begin; 1 is bad, 2 is good.
_FABRIC_HEALTH = (
    ("bandwidth", 0, {"Degraded": 1, "Full": 2}),
    ("route_recovery_in_progress", 2, {"True": 1, "False": 2}),
    ("route_unhealthy", 4, {"True": 1, "False": 2}),
    ("access_timeout_recovery", 6, {"True": 1, "False": 2}),
)


def note_all(gpu: Gpu, element: ET.Element) -> None:
    """Note every such reading of one GPU."""
    for when in ("volatile", "aggregate"):
        for kind in _ECC:
            _note_ecc(gpu, element, when, kind)
    _note_sum(
        gpu, "ecc_sram_uncorrected", [f"ecc_errors/aggregate/{name}" for name in _SRAM_UNCORRECTED], element
    )
    counts = [f"retired_pages/{cause}/{count}" for cause in _RETIRED for count in _RETIRED_COUNTS]
    _note_sum(gpu, "retired_pages", counts, element)
    _note_reasons(gpu, element)
    _note_banks(gpu, element)
    _note_fabric_health(gpu, element)
    _note_mig(gpu, element)
    _note_processes(gpu, element)


def _note_ecc(gpu: Gpu, element: ET.Element, when: str, kind: str) -> None:
    name = f"ecc_{when}_{kind}"
    paths = [f"ecc_errors/{when}/{part}" for part in _ECC[kind]]
    if not _note_sum(gpu, name, paths, element):
        note(gpu, name, integer, texts(element, (f"ecc_errors/{when}/{_ECC_TOTALS[kind]}",)))


def _note_sum(gpu: Gpu, name: str, paths: List[str], element: ET.Element) -> bool:
    """Note the sum of the elements that have a number; False where none is there."""
    present = [text for text in (said(element, path) for path in paths) if text is not None]
    values = [text for text in present if not is_unsupported(text)]
    unclear = [text for text in values if not NUMBER.match(text)]
    if unclear:
        gpu.error(name, unclear[0].strip("[]"))
    elif values:
        gpu.value(name, sum(integer(text) for text in values))
    elif present:
        gpu.unsupported(name)
    return bool(present)


def _note_reasons(gpu: Gpu, element: ET.Element) -> None:
    name = "clocks_event_reasons"
    section = _first(element, _REASONS)
    if section is None:
        return
    if len(section) == 0:
        note(gpu, name, _no_list, [(section.text or "").strip()])
        return
    gpu.value(name, [_reason(part.tag) for part in section if (part.text or "").strip() == "Active"])


def _no_list(text: str) -> Any:
    raise ValueError(text)


def _first(element: ET.Element, names: Tuple[str, ...]) -> Optional[ET.Element]:
    return next((found for found in map(element.find, names) if found is not None), None)


def _reason(tag: str) -> str:
    for prefix in _REASON_PREFIXES:
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return tag


def _note_banks(gpu: Gpu, element: ET.Element) -> None:
    folder = "remapped_rows/row_remapper_histogram"
    found = [said(element, f"{folder}/row_remapper_histogram_{name}") for name in _BANKS]
    present = [text for text in found if text is not None]
    if len(present) == len(_BANKS) and all(NUMBER.match(text) for text in present):
        gpu.value("remap_banks", [integer(text) for text in present])
    elif present:
        note(gpu, "remap_banks", _no_list, present[:1])


def _note_fabric_health(gpu: Gpu, element: ET.Element) -> None:
    """Put the words back into NVML's mask; what the XML does not word stays 0, not supported."""
    found = [said(element, f"fabric/health/{word}") for word, _, _ in _FABRIC_HEALTH]
    if all(text is None for text in found):
        return
    bits = [words.get(text or "", 0) << at for text, (_, at, words) in zip(found, _FABRIC_HEALTH)]
    if any(bits):
        gpu.value("fabric_health", sum(bits))
    else:
        gpu.unsupported("fabric_health")


def _note_mig(gpu: Gpu, element: ET.Element) -> None:
    devices = element.find("mig_devices")
    if devices is None:
        return
    if gpu.get("mig_mode") is None:
        gpu.unsupported("mig_instances")
    else:
        gpu.value("mig_instances", len(devices.findall("mig_device")))


def _note_processes(gpu: Gpu, element: ET.Element) -> None:
    section = element.find("processes")
    if section is None:
        return
    if len(section) == 0 and (section.text or "").strip():
        note(gpu, "processes", _no_list, [(section.text or "").strip()])
        return
    gpu.value("processes", [_process(one) for one in section.findall("process_info")])


def _process(element: ET.Element) -> Dict[str, Any]:
    name, used = said(element, "process_name") or "?", said(element, "used_memory") or ""
    pid = said(element, "pid") or ""
    return {
        "pid": integer(pid) if NUMBER.match(pid) else 0,
        "name": os.path.basename(name.split(" ")[0]),
        "used_mib": integer(used) if NUMBER.match(used) else None,
        "age_s": None,
    }
