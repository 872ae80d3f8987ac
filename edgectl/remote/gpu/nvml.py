"""The first collector: NVML, by the `pynvml` that travelled with the job. Runs in a process of its own.

Which readings a GPU has is asked of the GPU, never guessed from its name. `NOT_SUPPORTED` and a function that
the driver lacks are the same answer: unsupported.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import Any, Callable, Dict, Tuple

from edgectl.remote.gpu import bounded
from edgectl.remote.gpu.readings import EVENT_REASONS, LOST, RECOVERY_ACTIONS, Gpu, UnansweredError, bus_id

_LIBRARY = "libnvidia-ml.so.1"
# nvml.h, nvmlReturn_t. NO_DATA, DEPRECATED and a struct newer than the driver say the same as NOT_SUPPORTED.
_UNSUPPORTED = frozenset({3, 13, 21, 25, 26})
_GPU_IS_LOST = 15
_MIB = 1024 * 1024
# nvml.h, NVML_FI_DEV_*: what only field values tell. Each has a return code of its own.
_SLOWDOWN_TLIMIT, _RECOVERY, _POWER_INSTANT = 194, 230, 186
_SW_THERMAL_NS, _HW_THERMAL_NS, _POWER_BRAKE_NS = 269, 270, 271


def collect(deadline_s: float) -> Dict[str, Any]:
    """Return the driver's version and every GPU, or raise `UnansweredError`."""
    if not _is_installed():
        raise UnansweredError(f"{_LIBRARY}: not found")
    try:
        found: Dict[str, Any] = bounded.call(_read, deadline_s)
    except TimeoutError as error:
        raise UnansweredError(f"NVML: {error}", hung=True) from None
    except ChildProcessError as error:
        raise UnansweredError(f"NVML: {error}") from None
    if "error" in found:
        raise UnansweredError(f"NVML: {found['error']}", code=found["code"])
    return found


def _is_installed() -> bool:
    """Look for the library without a word to the driver: pynvml alone takes 70 ms to import."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def _read() -> Dict[str, Any]:
    nvml = importlib.import_module("pynvml")
    try:
        nvml.nvmlInit()
        found = {
            "driver_version": _as_text(nvml.nvmlSystemGetDriverVersion()),
            "gpus": [_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())],
        }
        nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        return {"error": str(error), "code": int(error.value)}
    return found


def _gpu(nvml: Any, index: int) -> Dict[str, Any]:
    gpu = Gpu(index)
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        gpu.state = LOST
        gpu.error("uuid", str(error))
        return gpu.as_dict()
    for name, read in _CALLS.items():
        _note(nvml, gpu, name, read, handle)
    for names, reads in _GROUPS:
        _note_group(nvml, gpu, names, reads, handle)
    _note_fields(nvml, gpu, handle)
    return gpu.as_dict()


def _reasons(nvml: Any, handle: Any) -> Any:
    try:
        bits = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    except nvml.NVMLError_FunctionNotFound:  # before 535
        bits = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
    return [name for bit, name in EVENT_REASONS if bits & bit]


def _ecc(nvml: Any, handle: Any, kind: str, when: str) -> Any:
    error_type = getattr(nvml, f"NVML_MEMORY_ERROR_TYPE_{kind}")
    return nvml.nvmlDeviceGetTotalEccErrors(handle, error_type, getattr(nvml, f"NVML_{when}_ECC"))


def _memory(nvml: Any, handle: Any) -> Any:
    """Version 2 counts what the driver keeps for itself apart, as nvidia-smi does; 510 brought it."""
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    except nvml.NVMLError_FunctionNotFound:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return [memory.total // _MIB, memory.used // _MIB]


def _remapped(nvml: Any, handle: Any) -> Any:
    corrected, uncorrected, pending, failure = nvml.nvmlDeviceGetRemappedRows(handle)
    return [corrected, uncorrected, bool(pending), bool(failure)]


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_Call = Callable[[Any, Any], Any]
_CALLS: Dict[str, _Call] = {
    "uuid": lambda nvml, gpu: _as_text(nvml.nvmlDeviceGetUUID(gpu)),
    "serial": lambda nvml, gpu: _as_text(nvml.nvmlDeviceGetSerial(gpu)),
    "name": lambda nvml, gpu: _as_text(nvml.nvmlDeviceGetName(gpu)),
    "pci_bus_id": lambda nvml, gpu: bus_id(_as_text(nvml.nvmlDeviceGetPciInfo(gpu).busId)),
    "vbios": lambda nvml, gpu: _as_text(nvml.nvmlDeviceGetVbiosVersion(gpu)),
    "temperature_c": lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU),
    "margin_c": lambda nvml, gpu: int(nvml.nvmlDeviceGetMarginTemperature(gpu)),
    "slowdown_temperature_c": lambda nvml, gpu: nvml.nvmlDeviceGetTemperatureThreshold(
        gpu, nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN
    ),
    "power_w": lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000,
    "power_limit_w": lambda nvml, gpu: nvml.nvmlDeviceGetEnforcedPowerLimit(gpu) / 1000,
    "power_limit_default_w": lambda nvml, gpu: nvml.nvmlDeviceGetPowerManagementDefaultLimit(gpu) / 1000,
    "clock_sm_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
    "clock_memory_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM),
    "performance_state": lambda nvml, gpu: f"P{nvml.nvmlDeviceGetPerformanceState(gpu)}",
    "utilization_percent": lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu,
    "clocks_event_reasons": _reasons,
    "ecc_volatile_corrected": lambda nvml, gpu: _ecc(nvml, gpu, "CORRECTED", "VOLATILE"),
    "ecc_volatile_uncorrected": lambda nvml, gpu: _ecc(nvml, gpu, "UNCORRECTED", "VOLATILE"),
    "ecc_aggregate_corrected": lambda nvml, gpu: _ecc(nvml, gpu, "CORRECTED", "AGGREGATE"),
    "ecc_aggregate_uncorrected": lambda nvml, gpu: _ecc(nvml, gpu, "UNCORRECTED", "AGGREGATE"),
    "pcie_gen": lambda nvml, gpu: nvml.nvmlDeviceGetCurrPcieLinkGeneration(gpu),
    "pcie_gen_max": lambda nvml, gpu: nvml.nvmlDeviceGetMaxPcieLinkGeneration(gpu),
    "pcie_width": lambda nvml, gpu: nvml.nvmlDeviceGetCurrPcieLinkWidth(gpu),
    "pcie_width_max": lambda nvml, gpu: nvml.nvmlDeviceGetMaxPcieLinkWidth(gpu),
    "pcie_replays": lambda nvml, gpu: nvml.nvmlDeviceGetPcieReplayCounter(gpu),
    "persistence_mode": lambda nvml, gpu: bool(nvml.nvmlDeviceGetPersistenceMode(gpu)),
}
# One call, several readings.
_GROUPS: Tuple[Tuple[Tuple[str, ...], _Call], ...] = (
    (("memory_total_mib", "memory_used_mib"), _memory),
    (
        ("ecc_mode", "ecc_mode_pending"),
        lambda nvml, gpu: [bool(mode) for mode in nvml.nvmlDeviceGetEccMode(gpu)],
    ),
    (
        ("mig_mode", "mig_mode_pending"),
        lambda nvml, gpu: [bool(mode) for mode in nvml.nvmlDeviceGetMigMode(gpu)],
    ),
    (
        ("remapped_rows_corrected", "remapped_rows_uncorrected", "remap_pending", "remap_failure"),
        _remapped,
    ),
)
_FIELDS: Dict[int, Tuple[str, Callable[[Any], Any]]] = {
    _SLOWDOWN_TLIMIT: ("slowdown_margin_c", float),
    _RECOVERY: ("recovery_action", lambda value: RECOVERY_ACTIONS.get(value, str(value))),
    _POWER_INSTANT: ("power_w", lambda value: value / 1000),
    _SW_THERMAL_NS: ("sw_thermal_slowdown_us", lambda value: value // 1000),
    _HW_THERMAL_NS: ("hw_thermal_slowdown_us", lambda value: value // 1000),
    _POWER_BRAKE_NS: ("hw_power_brake_us", lambda value: value // 1000),
}
# nvml.h, nvmlValueType_t -> the member of nvmlValue_t.
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


def _note(nvml: Any, gpu: Gpu, name: str, read: _Call, handle: Any) -> None:
    _note_group(nvml, gpu, (name,), lambda nvml, handle: [read(nvml, handle)], handle)


def _note_group(nvml: Any, gpu: Gpu, names: Tuple[str, ...], read: _Call, handle: Any) -> None:
    try:
        values = read(nvml, handle)
    except nvml.NVMLError as error:
        for name in names:
            _note_error(gpu, name, int(error.value), str(error))
        return
    for name, value in zip(names, values):
        gpu.value(name, value)


def _note_error(gpu: Gpu, name: str, code: int, text: str) -> None:
    if code in _UNSUPPORTED:
        gpu.unsupported(name)
        return
    gpu.error(name, text)
    if code == _GPU_IS_LOST:
        gpu.state = LOST


def _note_fields(nvml: Any, gpu: Gpu, handle: Any) -> None:
    try:
        answers = list(nvml.nvmlDeviceGetFieldValues(handle, list(_FIELDS)))
    except nvml.NVMLError as error:
        for name, _ in _FIELDS.values():
            if gpu.get(name) is None:
                _note_error(gpu, name, int(error.value), str(error))
        return
    for answer in answers:
        name, convert = _FIELDS[answer.fieldId]
        if answer.nvmlReturn == 0:
            gpu.value(name, convert(getattr(answer.value, _MEMBERS[answer.valueType])))
        elif gpu.get(name) is None:
            _note_error(gpu, name, int(answer.nvmlReturn), f"NVML {answer.nvmlReturn}")
