"""The node itself: memory, processes, limits, time, file systems, units. Every reading or why there is none."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from edgectl.remote.gpu import bounded
from edgectl.remote.health import bus, disks, timekeeping, units
from edgectl.remote.health.clock import Clock
from edgectl.remote.health.files import names, number, text

# Modules of GPU and network nodes: whether they should be there is for the rules to say.
_MODULES = frozenset(
    {
        "nvidia",
        "nvidia_uvm",
        "nvidia_modeset",
        "nvidia_drm",
        "nvidia_peermem",
        "nvidia_fs",
        "gdrdrv",
        "mlx5_core",
        "mlx5_ib",
        "ib_core",
        "nouveau",
        "vfio_pci",
    }
)
_DISKS_S = 3.0
# SMBIOS 3.7, 7.18: the size of a memory device, 0 where its socket is empty.
_SMBIOS_SIZE = slice(0x0C, 0x0E)


class Looks(NamedTuple):
    """What two looks at the processes showed: how many are in which state, and those that are stuck."""

    states: Dict[str, int]
    stuck: List[Dict[str, Any]]


def read(root: str, waited_for: Sequence[str], looks: Looks, clock: Clock) -> Dict[str, Any]:
    """Return every reading; `waited_for` are systemd units."""
    found: Dict[str, Any] = {
        "uptime_s": _uptime_s(root),
        "processors": _processors(root),
        "load_1m": _load(root),
        **_memory(root),
        "memory_modules": _memory_modules(root),
        "zombies": looks.states.get("Z", 0) if looks.states else None,
        "stuck": looks.stuck if looks.states else None,
        **_limits(root),
        "governor": _governor(root),
        "clocksource": text(f"{root}/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "time": timekeeping.read(clock),
        "units": units.read(waited_for, clock),
        "modules": _modules(root),
        "iommu_groups": _iommu_groups(root),
        "acs_enabled": bus.acs_enabled(root),
    }
    errors: Dict[str, str] = {}
    try:
        found["disks"], gone = bounded.call(lambda: disks.read(root), clock.share_s(_DISKS_S, 0.5))
        errors.update({"disks": ", ".join(gone)} if gone else {})
    except (TimeoutError, ChildProcessError) as error:
        found["disks"], errors["disks"] = None, str(error)
    if waited_for and found["units"] is None:
        errors["units"] = "systemd gave no answer"
    return {**found, "unread": _unread(found, errors, [] if waited_for else ["units"])}


def _unread(found: Dict[str, Any], errors: Dict[str, str], not_collected: List[str]) -> Dict[str, Any]:
    """What a machine does not show, it does not have."""
    missing = [name for name, value in found.items() if value is None]
    unsupported = [name for name in missing if name not in errors and name not in not_collected]
    return {"unsupported": unsupported, "error": errors, "not_collected": not_collected}


def _uptime_s(root: str) -> Optional[float]:
    said = text(f"{root}/proc/uptime")
    return float(said.split()[0]) if said else None


def _processors(root: str) -> Optional[int]:
    """Count a list such as `0-63,128-191`."""
    said = text(f"{root}/sys/devices/system/cpu/online")
    if not said:
        return None
    ends = [[int(end) for end in part.split("-")] for part in said.split(",")]
    return sum(last[-1] - last[0] + 1 for last in ends)


def _load(root: str) -> Optional[float]:
    said = text(f"{root}/proc/loadavg")
    return float(said.split()[0]) if said else None


def _memory(root: str) -> Dict[str, Optional[int]]:
    found = dict(re.findall(r"^(\w+):\s+(\d+)", text(f"{root}/proc/meminfo") or "", re.MULTILINE))
    names_of = (("memory_total_bytes", "MemTotal"), ("memory_available_bytes", "MemAvailable"))
    return {name: int(found[theirs]) * 1024 if theirs in found else None for name, theirs in names_of}


def _memory_modules(root: str) -> Optional[int]:
    """Count by the firmware's table, which only root reads, else by what the memory controllers report."""
    raw = [_bytes(f"{root}/sys/firmware/dmi/entries/{entry}/raw") for entry in _memory_devices(root)]
    if raw and all(raw):
        return sum(1 for table in raw if any(table[_SMBIOS_SIZE]))
    folder = f"{root}/sys/devices/system/edac/mc"
    sizes = [
        number(f"{folder}/{controller}/{module}/size")
        for controller in names(folder)
        for module in names(f"{folder}/{controller}")
        if module.startswith("dimm")
    ]
    return sum(1 for size in sizes if size) if sizes else None


def _memory_devices(root: str) -> List[str]:
    return [entry for entry in names(f"{root}/sys/firmware/dmi/entries") if entry.startswith("17-")]


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _limits(root: str) -> Dict[str, Optional[int]]:
    load, files = text(f"{root}/proc/loadavg"), text(f"{root}/proc/sys/fs/file-nr")
    most = [number(f"{root}/proc/sys/kernel/{name}") for name in ("threads-max", "pid_max")]
    used, _, open_most = files.split() if files else (None, None, None)
    return {
        "threads": int(load.split()[3].partition("/")[2]) if load else None,
        "threads_max": min((limit for limit in most if limit), default=None),
        "files": int(used) if used else None,
        "files_max": int(open_most) if open_most else None,
    }


def _governor(root: str) -> Optional[str]:
    """Return the governor of all processors, or all there are, joined by commas."""
    folder = f"{root}/sys/devices/system/cpu"
    found = {
        text(f"{folder}/{name}/cpufreq/scaling_governor")
        for name in names(folder)
        if name[:3] == "cpu" and name[3:].isdigit()
    }
    return ",".join(sorted(governor for governor in found if governor)) or None


def _modules(root: str) -> Optional[List[str]]:
    said = text(f"{root}/proc/modules")
    if said is None:
        return None
    return sorted(_MODULES & {line.split()[0] for line in said.splitlines()})


def _iommu_groups(root: str) -> Optional[int]:
    folder = f"{root}/sys/kernel/iommu_groups"
    return len(names(folder)) if os.path.isdir(folder) else None
