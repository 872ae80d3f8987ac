"""All that one node says about its GPUs: the kernel first, then the best collector that answers."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Optional, Tuple

from edgectl.remote.gpu import kernel, kernel_log
from edgectl.remote.gpu.readings import LOST, Gpu, UnansweredError
from edgectl.remote.gpu.xid import fallen_off

NVML, SMI, KERNEL = "nvml", "nvidia-smi", "kernel"
# A healthy driver answers in well under a second, or in about 1.5 s per GPU where persistence mode is off.
DEADLINE_S = 20.0

_Attempts = List[Dict[str, Any]]


def collect(deadline_s: float = DEADLINE_S, root: str = "") -> Dict[str, Any]:
    """Return the node's readings in the one shape; `attempts` says why better collectors did not answer."""
    began = time.monotonic()
    log = kernel_log.since_boot()
    on_pci = kernel.pci_gpus(root)
    collector, found, attempts = _best(deadline_s, root, [gpu["pci_bus_id"] for gpu in on_pci])
    return {
        "collector": collector,
        "attempts": attempts,
        "driver_version": found["driver_version"] or kernel.driver_version(root),
        "kernel": os.uname().release,
        "boot_id": _boot_id(),
        "gpus": _with_lost(found["gpus"], log, on_pci, collector),
        "pci_gpus": on_pci,
        "xids": _with_uuids(log["xids"], found["gpus"], log["uuids"]),
        "kernel_log": log["kernel_log"],
        "seconds": round(time.monotonic() - began, 3),
    }


def _best(deadline_s: float, root: str, known: List[str]) -> Tuple[str, Dict[str, Any], _Attempts]:
    """Ask NVML, then nvidia-smi; one that hangs ends the asking: the next would wait at the same lock."""
    attempts: _Attempts = []
    for collector in (NVML, SMI):
        found, failure = _tried(collector, deadline_s, known)
        if found is not None:
            return collector, found, attempts
        attempts.append({"collector": collector, **failure})
        if failure["hung"]:
            break
    return KERNEL, kernel.collect(root), attempts


def _tried(
    collector: str, deadline_s: float, known: List[str]
) -> Tuple[Optional[Dict[str, Any]], Dict[str, Any]]:
    try:
        return _ask(collector, deadline_s, known), {}
    except UnansweredError as error:
        return None, {"error": str(error), "code": error.code, "hung": error.hung}


def _ask(collector: str, deadline_s: float, known: List[str]) -> Dict[str, Any]:
    if collector == NVML:
        from edgectl.remote.gpu import nvml

        return nvml.collect(deadline_s)
    from edgectl.remote.gpu import smi

    return smi.collect(deadline_s, known)


def _with_lost(
    gpus: List[Dict[str, Any]], log: Dict[str, Any], on_pci: List[Dict[str, str]], collector: str
) -> List[Dict[str, Any]]:
    """Add the GPUs that the driver no longer lists: those of the log, and those it holds on PCI."""
    held = [] if collector == KERNEL else [gpu["pci_bus_id"] for gpu in on_pci if gpu["driver"] == "nvidia"]
    listed = {gpu["pci_bus_id"] for gpu in gpus}
    fallen = fallen_off(log["xids"])
    if collector == KERNEL:
        gpus = [{**gpu, "state": LOST} if gpu["pci_bus_id"] in fallen else gpu for gpu in gpus]
    missing = dict.fromkeys(address for address in (*fallen, *held) if address not in listed)
    return [*gpus, *(_lost(address, log) for address in missing)]


def _lost(address: str, log: Dict[str, Any]) -> Dict[str, Any]:
    gpu = Gpu(None, LOST)
    gpu.value("pci_bus_id", address)
    for name, known in (("uuid", log["uuids"]), ("serial", log["serials"])):
        if address in known:
            gpu.value(name, known[address])
    return gpu.as_dict()


def _with_uuids(
    xids: List[Dict[str, Any]], gpus: List[Dict[str, Any]], said: Dict[str, str]
) -> List[Dict[str, Any]]:
    uuids: Dict[Any, Any] = dict(said)
    uuids.update({gpu["pci_bus_id"]: gpu["uuid"] for gpu in gpus if gpu["uuid"]})
    return [{**xid, "gpu": uuids.get(xid["pci_bus_id"])} for xid in xids]


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()
