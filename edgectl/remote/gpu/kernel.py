"""The last collector: what `/sys` and `/proc` know, which never waits for the driver."""

from __future__ import annotations

import glob
import os
import re
from typing import Any, Dict, List, Optional

from edgectl.remote.gpu.readings import Gpu, bus_id

_NVIDIA = "0x10de"
# PCI class codes: VGA controller, 3D controller.
_GPU_CLASSES = ("0x0300", "0x0302")
_VERSION = re.compile(r"\b(\d{3}\.\d+(?:\.\d+)?)\b")
# PCI Express base specification: GT/s per lane of each generation.
_GENERATIONS = {"2.5": 1, "5.0": 2, "8.0": 3, "16.0": 4, "32.0": 5, "64.0": 6}
# A device that is gone answers with all bits set, which sysfs shows as 63 lanes.
_WIDTHS = frozenset({1, 2, 4, 8, 12, 16, 32})
_SEVERITIES = ("correctable", "nonfatal", "fatal")
_TOTAL = re.compile(r"^TOTAL_ERR_\w+ (\d+)$", re.MULTILINE)
_INFORMATION = {"Model": "name", "GPU UUID": "uuid", "Video BIOS": "vbios"}


def driver_version(root: str = "") -> Optional[str]:
    """Return the version of the loaded driver, or None where none is loaded."""
    found = _VERSION.search(_read(f"{root}/proc/driver/nvidia/version"))
    return found.group(1) if found else None


def pci_gpus(root: str = "") -> List[Dict[str, Any]]:
    """Return every NVIDIA GPU that PCI shows: its address, its model by number, the driver that has it."""
    found = []
    for folder in sorted(glob.glob(f"{root}/sys/bus/pci/devices/*")):
        if _read(f"{folder}/vendor") == _NVIDIA and _read(f"{folder}/class")[:6] in _GPU_CLASSES:
            driver = os.path.basename(os.path.realpath(f"{folder}/driver"))
            has_driver = os.path.exists(f"{folder}/driver")
            found.append(
                {
                    "pci_bus_id": bus_id(os.path.basename(folder)),
                    "driver": driver if has_driver else "",
                    "device_id": _read(f"{folder}/device")[2:] or None,
                }
            )
    return found


def proc_gpus(root: str = "") -> List[str]:
    """Return the addresses of the GPUs that the driver itself shows under `/proc`."""
    return sorted(bus_id(name) for name in _names(f"{root}/proc/driver/nvidia/gpus"))


def bus_errors(address: str, root: str = "") -> Dict[str, int]:
    """Return what PCI Express counted for a device since boot; kernels without AER count nothing."""
    folder = f"{root}/sys/bus/pci/devices/{address[4:].lower()}"
    totals = ((name, _TOTAL.search(_read(f"{folder}/aer_dev_{name}"))) for name in _SEVERITIES)
    return {f"pcie_aer_{name}": int(total.group(1)) for name, total in totals if total}


def link(address: str, root: str = "") -> Dict[str, int]:
    """Return generation and lanes of a device's link, now and at most, as far as they are known."""
    folder = f"{root}/sys/bus/pci/devices/{address[4:].lower()}"
    found = {}
    for when, suffix in (("current", ""), ("max", "_max")):
        speed = _read(f"{folder}/{when}_link_speed").split(" ")[0]
        width = _read(f"{folder}/{when}_link_width")
        if speed in _GENERATIONS:
            found[f"pcie_gen{suffix}"] = _GENERATIONS[speed]
        if width.isdigit() and int(width) in _WIDTHS:
            found[f"pcie_width{suffix}"] = int(width)
    return found


def collect(root: str = "") -> Dict[str, Any]:
    """Return the driver's version and every GPU, with the few readings that the kernel has."""
    information = _information(root)
    addresses = {gpu["pci_bus_id"] for gpu in pci_gpus(root)} | set(information)
    gpus = [_gpu(root, address, information.get(address, {})) for address in sorted(addresses)]
    return {"driver_version": driver_version(root), "gpus": gpus}


def _gpu(root: str, address: str, information: Dict[str, str]) -> Dict[str, Any]:
    gpu = Gpu(None)
    gpu.value("pci_bus_id", address)
    for name, value in information.items():
        gpu.value(name, value)
    for name, figure in link(address, root).items():
        gpu.value(name, figure)
    return gpu.as_dict()


def _information(root: str) -> Dict[str, Dict[str, str]]:
    """Return what the driver's own files say about each GPU it has taken."""
    found = {}
    for path in glob.glob(f"{root}/proc/driver/nvidia/gpus/*/information"):
        pairs = [line.partition(":") for line in _read(path).splitlines()]
        said = {name.strip(): value.strip() for name, _, value in pairs}
        address = bus_id(os.path.basename(os.path.dirname(path)))
        # A GPU that the driver could not start shows question marks.
        found[address] = {
            reading: said[name]
            for name, reading in _INFORMATION.items()
            if said.get(name) and "?" not in said[name]
        }
    return found


def _names(folder: str) -> List[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""
