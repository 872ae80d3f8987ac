"""The first collector: NVML, by the `pynvml` that travelled with the job. Runs in a process of its own.

Which readings a GPU has is asked of the GPU, never guessed from its name. `NOT_SUPPORTED` and a function that
the driver lacks are the same answer: unsupported.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Dict, Optional

from edgectl.remote.gpu import bounded
from edgectl.remote.gpu.alone import Lock
from edgectl.remote.gpu.readings import UnansweredError

LIBRARY = "libnvidia-ml.so.1"
# nvml.h, NVML_ERROR_LIBRARY_NOT_FOUND.
_NO_LIBRARY = 12


def collect(deadline_s: float, lock: Optional[Lock] = None) -> Dict[str, Any]:
    """Return the driver's version and every GPU, or raise `UnansweredError`."""
    try:
        found: Dict[str, Any] = bounded.call(lambda: _asked(lock), deadline_s)
    except TimeoutError as error:
        raise UnansweredError(f"NVML: {error}", hung=True) from None
    except ChildProcessError as error:
        raise UnansweredError(f"NVML: {error}") from None
    if "error" in found:
        raise UnansweredError(f"NVML: {found['error']}", code=found["code"])
    return found


def _asked(lock: Optional[Lock]) -> Dict[str, Any]:
    if lock:
        lock.note(os.getpid())
    if not is_installed():
        return {"error": f"{LIBRARY}: not found", "code": _NO_LIBRARY}
    return _read(importlib.import_module("pynvml"))


def is_installed() -> bool:
    """Tell whether the loader finds the library: pynvml, which would say the same, takes 70 ms to import."""
    import ctypes

    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


def _read(nvml: Any) -> Dict[str, Any]:
    from edgectl.remote.gpu.nvml_gpu import as_text, read_gpu

    try:
        nvml.nvmlInit()
        found = {
            "driver_version": as_text(nvml.nvmlSystemGetDriverVersion()),
            "gpus": [read_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())],
        }
        nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        return {"error": str(error), "code": int(error.value)}
    return found
