"""All that one node says about its GPUs: the kernel first, then the best collector that answers."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from edgectl.remote.gpu import alone, kernel, kernel_log, library, xid
from edgectl.remote.gpu.readings import LOST, Gpu, UnansweredError

NVML, SMI, KERNEL = "nvml", "nvidia-smi", "kernel"
# A healthy driver answers in well under a second, or in about 1.5 s per GPU where persistence mode is off.
DEADLINE_S = 20.0
# Of both collectors, one after the other.
OVERALL_S = 30.0
# How much of it may go by until it is our turn.
_TURN = 0.6

_Attempts = List[Dict[str, Any]]


def collect(deadline_s: float = DEADLINE_S, folders: Sequence[str] = (), root: str = "") -> Dict[str, Any]:
    """Return the node's readings in the one shape; `attempts` says why better collectors did not answer.

    `folders` are our own, for the lock that keeps two collectors from one driver.
    """
    began = time.monotonic()
    log = kernel_log.read(xid.MARKER)
    told = xid.parse(log.text, kernel_log.booted(root))
    source = {"source": log.source, "error": log.error, "boots": 1}
    found = readings(told, deadline_s, folders, root)
    return {**found, "kernel_log": source, "seconds": round(time.monotonic() - began, 3)}


def readings(
    told: Dict[str, Any],
    deadline_s: float,
    folders: Sequence[str] = (),
    root: str = "",
    *,
    overall_s: float = OVERALL_S,
) -> Dict[str, Any]:
    """Return what driver and kernel say about the GPUs, joined with what the log told.

    `deadline_s` is each collector's, `overall_s` that of both.
    """
    on_pci = kernel.pci_gpus(root)
    asking = _Asking(deadline_s, time.monotonic() + overall_s, folders)
    collector, found, attempts = _best(asking, root, [gpu["pci_bus_id"] for gpu in on_pci])
    gpus = _with_lost(found["gpus"], told, on_pci, collector)
    return {
        "collector": collector,
        "attempts": attempts,
        "driver_version": found["driver_version"] or kernel.driver_version(root),
        "library_version": library.version(root),
        "kernel": os.uname().release,
        "boot_id": _boot_id(root),
        "gpus": [_with_bus_errors(gpu, root) for gpu in gpus],
        "pci_gpus": on_pci,
        "proc_gpus": kernel.proc_gpus(root),
        "xids": _with_uuids(told["xids"], found["gpus"], told["uuids"]),
    }


class _Asking(NamedTuple):
    """How long one collector may take, until when all of them, and where the lock is."""

    deadline_s: float
    until: float
    folders: Sequence[str]


def _best(asking: _Asking, root: str, known: List[str]) -> Tuple[str, Dict[str, Any], _Attempts]:
    """Ask NVML, then nvidia-smi; one that hangs ends the asking: the next would wait at the same lock."""
    attempts: _Attempts = []
    for collector, ask in _collectors(known):
        found, failure = _tried(ask, asking)
        if found is not None:
            return collector, found, attempts
        attempts.append({"collector": collector, **failure})
        if failure["hung"]:
            break
    return KERNEL, kernel.collect(root), attempts


_Ask = Callable[[float, Optional[alone.Lock]], Dict[str, Any]]


def _collectors(known: List[str]) -> List[Tuple[str, _Ask]]:
    def by_nvml(deadline_s: float, lock: Optional[alone.Lock]) -> Dict[str, Any]:
        from edgectl.remote.gpu import nvml

        return nvml.collect(deadline_s, lock)

    def by_smi(deadline_s: float, lock: Optional[alone.Lock]) -> Dict[str, Any]:
        from edgectl.remote.gpu import smi

        return smi.collect(deadline_s, known, lock)

    return [(NVML, by_nvml), (SMI, by_smi)]


def _tried(ask: _Ask, asking: _Asking) -> Tuple[Optional[Dict[str, Any]], Dict[str, Any]]:
    """Wait for our turn for most of the time: another look may be at the driver for as long as we may."""
    left_s = asking.until - time.monotonic()
    try:
        lock = alone.take(asking.folders, left_s * _TURN, asking.deadline_s)
        try:
            return ask(min(asking.deadline_s, asking.until - time.monotonic()), lock), {}
        finally:
            if lock:
                lock.close()
    except UnansweredError as error:
        return None, {"error": str(error), "code": error.code, "hung": error.hung}


def _with_lost(
    gpus: List[Dict[str, Any]], told: Dict[str, Any], on_pci: List[Dict[str, Any]], collector: str
) -> List[Dict[str, Any]]:
    """Add the GPUs that the driver no longer lists: those of the log, and those it holds on PCI."""
    held = [] if collector == KERNEL else [gpu["pci_bus_id"] for gpu in on_pci if gpu["driver"] == "nvidia"]
    listed = {gpu["pci_bus_id"] for gpu in gpus}
    fallen = xid.fallen_off(told["xids"])
    if collector == KERNEL:
        gpus = [{**gpu, "state": LOST} if gpu["pci_bus_id"] in fallen else gpu for gpu in gpus]
    missing = iter(dict.fromkeys(address for address in (*fallen, *held) if address not in listed))
    # One that the driver counts and does not reach has a number and no address: it is the next of those missing.
    known = [gpu if gpu["pci_bus_id"] else _found_again(gpu, next(missing, None), told) for gpu in gpus]
    return [*known, *(_lost(Gpu(None, LOST), address, told) for address in missing)]


def _found_again(gpu: Dict[str, Any], address: Optional[str], told: Dict[str, Any]) -> Dict[str, Any]:
    if address is None:
        return gpu
    again = Gpu(gpu["index"], LOST)
    for name, text in gpu["unread"]["error"].items():
        again.error(name, text)
    return _lost(again, address, told)


def _lost(gpu: Gpu, address: str, told: Dict[str, Any]) -> Dict[str, Any]:
    gpu.value("pci_bus_id", address)
    for name, known in (("uuid", told["uuids"]), ("serial", told["serials"])):
        if address in known:
            gpu.value(name, known[address])
    return gpu.as_dict()


def _with_bus_errors(gpu: Dict[str, Any], root: str) -> Dict[str, Any]:
    """Prefer the kernel's own counters: they run since boot, whichever collector answered."""
    counted = kernel.bus_errors(gpu["pci_bus_id"], root) if gpu["pci_bus_id"] else {}
    why = {
        reason: [name for name in names if name not in counted] if isinstance(names, list) else names
        for reason, names in gpu["unread"].items()
    }
    return {**gpu, **counted, "unread": why}


def _with_uuids(
    xids: List[Dict[str, Any]], gpus: List[Dict[str, Any]], said: Dict[str, str]
) -> List[Dict[str, Any]]:
    uuids: Dict[Any, Any] = dict(said)
    uuids.update({gpu["pci_bus_id"]: gpu["uuid"] for gpu in gpus if gpu["uuid"]})
    return [{**xid, "gpu": uuids.get(xid["pci_bus_id"])} for xid in xids]


def _boot_id(root: str) -> str:
    with open(f"{root}/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()
