"""The node itself: memory, processes, limits, time, file systems, units. Every reading or why there is none."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

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
        "zombies": looks.states.get("Z", 0) if looks.states else None,
        "stuck": looks.stuck if looks.states else None,
        "time": timekeeping.read(clock),
        "units": units.read(waited_for, clock),
        "disks": None,
    }
    errors: Dict[str, str] = {}
    for name, reader in _READERS.items():
        found[name], errors[name] = _read(reader, root)
    try:
        found["disks"], gone = bounded.call(lambda: disks.read(root), clock.share_s(_DISKS_S, 0.5))
        errors["disks"] = ", ".join(gone)
    except (TimeoutError, ChildProcessError) as error:
        errors["disks"] = str(error)
    if waited_for and found["units"] is None:
        errors["units"] = "systemd gave no answer"
    said = {name: text for name, text in errors.items() if text}
    return {**found, "unread": _unread(found, said, [] if waited_for else ["units"])}


def _read(reader: Callable[[str], Any], root: str) -> Tuple[Any, str]:
    """Return a reading, or what is wrong with what the kernel shows."""
    try:
        return reader(root), ""
    except (ValueError, LookupError, OSError) as error:
        return None, f"{type(error).__name__}: {error}"


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


def _memory(name: str) -> Callable[[str], Optional[int]]:
    def read_bytes(root: str) -> Optional[int]:
        found = re.search(rf"^{name}:\s+(\d+) kB", text(f"{root}/proc/meminfo") or "", re.MULTILINE)
        return int(found.group(1)) * 1024 if found else None

    return read_bytes


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


def _threads(root: str) -> Optional[int]:
    said = text(f"{root}/proc/loadavg")
    return int(said.split()[3].partition("/")[2]) if said else None


def _threads_max(root: str) -> Optional[int]:
    most = [number(f"{root}/proc/sys/kernel/{name}") for name in ("threads-max", "pid_max")]
    return min((limit for limit in most if limit), default=None)


def _files(place: int) -> Callable[[str], Optional[int]]:
    """Return one of the three numbers of file-nr: open, free, the most."""

    def read_number(root: str) -> Optional[int]:
        said = text(f"{root}/proc/sys/fs/file-nr")
        return int(said.split()[place]) if said else None

    return read_number


def _clocksource(root: str) -> Optional[str]:
    return text(f"{root}/sys/devices/system/clocksource/clocksource0/current_clocksource")


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


_READERS: Dict[str, Callable[[str], Any]] = {
    "uptime_s": _uptime_s,
    "processors": _processors,
    "load_1m": _load,
    "memory_total_bytes": _memory("MemTotal"),
    "memory_available_bytes": _memory("MemAvailable"),
    "memory_modules": _memory_modules,
    "threads": _threads,
    "threads_max": _threads_max,
    "files": _files(0),
    "files_max": _files(2),
    "governor": _governor,
    "clocksource": _clocksource,
    "modules": _modules,
    "iommu_groups": _iommu_groups,
    "acs_enabled": bus.acs_enabled,
}
