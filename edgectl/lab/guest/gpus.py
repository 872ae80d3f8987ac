"""The GPUs of a host: a state file that the stand-ins read and the lab's faults change."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

STATE = "/var/lib/edgectl-lab/gpus.json"
LOADED_DRIVER = "/run/edgectl-lab/driver"
DRIVER_PACKAGE = "nvidia-kernel-open-dkms"
NAME = "NVIDIA RTX PRO 6000 Blackwell Server Edition"
_FIRST_BUS = 0x41
_HEALTHY: dict[str, Any] = {
    "lost": False,
    "temperature_c": 34,
    "power_w": 82.4,
    "sm_clock_mhz": 180,
    "memory_used_mib": 0,
    "utilization": 0,
    "pcie_gen": 5,
    "pcie_width": 16,
    "thermal_slowdown": False,
    "sram_uncorrectable": 0,
    "dram_uncorrectable": 0,
    "dram_correctable": 0,
    "remapped_uncorrectable": 0,
    "remapped_correctable": 0,
    "remap_pending": False,
    "remap_failure": False,
    "recovery_action": "None",
}


def new_gpus(host: str, count: int) -> list[dict[str, Any]]:
    """Return healthy GPUs whose serial numbers and UUIDs are the same for a host each time."""
    return [{**_identity(host, index), **_HEALTHY} for index in range(count)]


def _identity(host: str, index: int) -> dict[str, Any]:
    digest = hashlib.sha256(f"{host}/{index}".encode()).hexdigest()
    uuid = f"GPU-{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
    return {
        "index": index,
        "uuid": uuid,
        "serial": f"165{int(digest[32:40], 16) % 10**10:010}",
        "bus_id": f"00000000:{_FIRST_BUS + 0x10 * index:02X}:00.0",
        "vbios": "98.02.8D.00.03",
    }


def read_gpus() -> list[dict[str, Any]]:
    """Return all GPUs, lost ones included."""
    with open(STATE, encoding="utf-8") as file:
        gpus: list[dict[str, Any]] = json.load(file)
    return gpus


def write_gpus(gpus: list[dict[str, Any]]) -> None:
    """Replace the state file."""
    with open(f"{STATE}.new", "w", encoding="utf-8") as file:
        json.dump(gpus, file, indent=1)
    os.replace(f"{STATE}.new", STATE)


def heal(gpu: dict[str, Any]) -> None:
    """Make a GPU healthy again; it stays the same GPU."""
    gpu.update(_HEALTHY)


def loaded_driver() -> str:
    """Return the version of the kernel driver this boot loaded; empty for none."""
    if not os.path.exists(LOADED_DRIVER):
        return ""
    with open(LOADED_DRIVER, encoding="utf-8") as file:
        return file.read().strip()
