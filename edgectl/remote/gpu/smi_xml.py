"""`nvidia-smi -q -x` becomes readings. Elements are sought by all the names that driver branches gave them.

Checked against captures of real nodes: 570.148 (A100), 580.173 (GB200), 595.91 (L40S, T4). Before 535 the
event reasons were `clocks_throttle_reasons` and the power readings `power_readings`; GPUs before Turing count
ECC errors as single and double bits.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # the host's own nvidia-smi wrote it
from typing import Any, Dict

from edgectl.remote.gpu import smi_sections
from edgectl.remote.gpu.readings import LOST, Gpu, bus_id
from edgectl.remote.gpu.smi_elements import ELEMENTS
from edgectl.remote.gpu.smi_texts import note, texts

_LOST = re.compile(r"gpu is lost", re.IGNORECASE)


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
    for name, reader, paths in ELEMENTS:
        note(gpu, name, reader, texts(element, paths))
    smi_sections.note_all(gpu, element)
    if gpu.get("pci_bus_id") is None:
        gpu.value("pci_bus_id", bus_id(element.get("id", "0:0:0")))
    if any(_LOST.search(part.text or "") for part in element.iter()):
        gpu.state = LOST
    return gpu.as_dict()
