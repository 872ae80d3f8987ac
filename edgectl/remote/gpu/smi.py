"""The second collector: `nvidia-smi -q -x`."""

from __future__ import annotations

import re
import time
from typing import Any, Dict, List, Optional, Tuple

from edgectl.remote.gpu import bounded, smi_xml
from edgectl.remote.gpu.alone import Lock
from edgectl.remote.gpu.readings import LOST, Gpu, UnansweredError, bus_id

_QUERY = ["nvidia-smi", "-q", "-x"]
# nvidia-smi(1), RETURN VALUE.
_MEANINGS = {
    8: "a GPU lacks its power cables",
    9: "the driver is not loaded",
    10: "the kernel found an interrupt issue with a GPU",
    12: "the NVML library is missing",
    14: "an InfoROM is corrupted",
    15: "a GPU has fallen off the bus",
    18: "driver and library have different versions",
}
# With one GPU gone, the whole query may end here instead of telling about the others.
_NO_HANDLE = re.compile(
    r"Unable to determine the device handle for GPU ?(?:\d+: )?"
    r"([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d)"
)


def collect(deadline_s: float, known: List[str], lock: Optional[Lock] = None) -> Dict[str, Any]:
    """Return the driver's version and every GPU; `known` addresses are asked for one by one if need be."""
    until = time.monotonic() + deadline_s
    kept = (lock.fd,) if lock else ()
    said = bounded.run(_QUERY, deadline_s, kept=kept)
    if said.rc is None:
        raise _hung("nvidia-smi", deadline_s)
    lost = [bus_id(address) for address in _NO_HANDLE.findall(said.out + said.err)]
    try:
        return _with_lost(smi_xml.parse(said.out), lost)
    except ValueError as error:
        if not lost:
            raise UnansweredError(_words(said) or str(error), code=said.rc) from None
    return _one_by_one(until - time.monotonic(), [one for one in known if one not in lost], lost, kept)


def _one_by_one(
    deadline_s: float, addresses: List[str], lost: List[str], kept: Tuple[int, ...]
) -> Dict[str, Any]:
    """Ask for each GPU alone; all of them together have what is left of the deadline."""
    until = time.monotonic() + deadline_s
    found: Dict[str, Any] = {"driver_version": None, "gpus": []}
    for address in addresses:
        said = bounded.run([*_QUERY, "-i", address], until - time.monotonic(), kept=kept)
        if said.rc is None:
            raise _hung(f"nvidia-smi -i {address}", deadline_s)
        try:
            alone = smi_xml.parse(said.out)
        except ValueError:
            lost.append(address)
            continue
        found["driver_version"] = alone["driver_version"]
        # Asked for alone, each GPU would be number 0.
        found["gpus"] += [{**gpu, "index": None} for gpu in alone["gpus"]]
    return _with_lost(found, lost)


def _with_lost(found: Dict[str, Any], lost: List[str]) -> Dict[str, Any]:
    listed = {gpu["pci_bus_id"] for gpu in found["gpus"]}
    for address in lost:
        if address not in listed:
            gpu = Gpu(None, LOST)
            gpu.value("pci_bus_id", address)
            found["gpus"].append(gpu.as_dict())
    return found


def _words(said: bounded.Said) -> str:
    if said.rc == bounded.NO_PROGRAM:
        return said.err
    text = " ".join((said.out or said.err).split())[:200]
    meaning = _MEANINGS.get(said.rc or 0, "")
    return f"nvidia-smi ended with {said.rc}: {meaning or text}" if said.rc else text


def _hung(program: str, deadline_s: float) -> UnansweredError:
    return UnansweredError(f"{program} gave no answer within {deadline_s:g} s", hung=True)
