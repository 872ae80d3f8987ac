"""What a GPU is joined to and shared by, through NVML: NVLinks, the fabric, MIG instances, processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from edgectl.remote.gpu import nvml_fields
from edgectl.remote.gpu.readings import FABRIC_STATES

_MOST_LINKS = 18
_MIB = 1024 * 1024
# nvml.h, NVML_FI_DEV_NVLINK_*: sums over all links (CRC of flits and data, replays, recoveries) up to NVLink 3,
_ERRORS_OF_ALL = (38, 45, 52, 59)
# then per link: replay, recovery, CRC (NVLink 4); malformed packets, buffer overruns, receive errors, integrity,
# failed recoveries (NVLink 5).
_ERRORS_OF_A_LINK = (161, 162, 163, 206, 207, 208, 211, 214)


def _nvlinks(nvml: Any, handle: Any) -> Any:
    """Return how many links there are, how many are up, and their errors since the driver was loaded."""
    states = [int(nvml.nvmlDeviceGetNvLinkState(handle, 0))]
    with contextlib.suppress(nvml.NVMLError):
        for link in range(1, _MOST_LINKS):
            states.append(int(nvml.nvmlDeviceGetNvLinkState(handle, link)))  # noqa: PERF401 - the last one raises
    return [len(states), sum(states), _errors(nvml, handle, len(states))]


def _errors(nvml: Any, handle: Any, links: int) -> Optional[int]:
    """Ask the first link which counters there are, then the others for those; None where there is none."""
    first = nvml_fields.ask(nvml, handle, [*_ERRORS_OF_ALL, *((number, 0) for number in _ERRORS_OF_A_LINK)])
    known = {wanted: value for wanted, (code, value) in first.items() if code == 0}
    others = [(wanted[0], link) for wanted in known if isinstance(wanted, tuple) for link in range(1, links)]
    more = nvml_fields.ask(nvml, handle, others) if others else {}
    counts = [*known.values(), *(value for code, value in more.values() if code == 0)]
    return sum(int(count) for count in counts) if counts else None


def _fabric(nvml: Any, handle: Any) -> Any:
    """Ask with the newest struct that the driver takes; a GPU outside any fabric has none of it."""
    for kind in (nvml.c_nvmlGpuFabricInfo_v3_t, nvml.c_nvmlGpuFabricInfo_v2_t):
        found = kind()
        try:
            nvml.nvmlDeviceGetGpuFabricInfoV(handle, ctypes.byref(found))
        except nvml.NVMLError_FunctionNotFound:
            break
        except nvml.NVMLError_ArgumentVersionMismatch:
            continue
        return _fabric_readings(found, found.healthMask)
    found = nvml.c_nvmlGpuFabricInfo_t()
    nvml.nvmlDeviceGetGpuFabricInfo(handle, ctypes.byref(found))
    return _fabric_readings(found, None)


def _fabric_readings(found: Any, health: Optional[int]) -> List[Any]:
    if found.state == 0:
        return [None, None, None]
    return [FABRIC_STATES.get(found.state, str(found.state)), int(found.status), health]


def _mig_instances(nvml: Any, handle: Any) -> Any:
    if not nvml.nvmlDeviceGetMigMode(handle)[0]:
        return [0]
    count = 0
    for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
        except nvml.NVMLError_NotFound:
            continue
        count += 1
    return [count]


def _processes(nvml: Any, handle: Any) -> Any:
    found = nvml.nvmlDeviceGetComputeRunningProcesses_v3(handle)
    return [[_process(one.pid, one.usedGpuMemory) for one in found]]


def _process(pid: int, used_bytes: Optional[int]) -> Dict[str, Any]:
    used_mib = None if used_bytes is None else used_bytes // _MIB
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            name = stream.read().strip()
        age_s: Optional[float] = round(max(time.time() - os.stat(f"/proc/{pid}").st_ctime, 0.0))
    except OSError:  # it ended, or lives in a space of processes that we do not see
        name, age_s = "?", None
    return {"pid": pid, "name": name, "used_mib": used_mib, "age_s": age_s}


# One call, several readings.
GROUPS: Tuple[Tuple[Tuple[str, ...], Callable[[Any, Any], Any]], ...] = (
    (("nvlinks", "nvlinks_active", "nvlink_errors"), _nvlinks),
    (("fabric_state", "fabric_status", "fabric_health"), _fabric),
    (("mig_instances",), _mig_instances),
    (("processes",), _processes),
)
