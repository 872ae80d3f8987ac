"""One GPU through NVML: a call per reading, what several readings share, and all field values at once."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Dict, Tuple

from edgectl.remote.gpu import nvml_fields, nvml_links
from edgectl.remote.gpu.readings import ARCHITECTURES, EVENT_REASONS, LOST, Gpu, bus_id

# nvml.h, nvmlReturn_t. NO_DATA, DEPRECATED and a struct newer than the driver say the same as NOT_SUPPORTED.
_UNSUPPORTED = frozenset({3, 13, 21, 25, 26})
_CORRUPTED_INFOROM, _GPU_IS_LOST = 14, 15
_MIB = 1024 * 1024

_Call = Callable[[Any, Any], Any]


def read_gpu(nvml: Any, index: int) -> Dict[str, Any]:
    """Return every reading of a GPU; a lost one stays in the list under its index."""
    gpu = Gpu(index)
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        gpu.state = LOST
        gpu.error("uuid", str(error))
        return gpu.as_dict()
    for name, read in _CALLS.items():
        _note(nvml, gpu, (name,), lambda read=read: [read(nvml, handle)])  # type: ignore[misc]
    for names, reads in (*_GROUPS, *nvml_links.GROUPS):
        _note(nvml, gpu, names, lambda reads=reads: reads(nvml, handle))  # type: ignore[misc]
    _note_fields(nvml, gpu, handle)
    return gpu.as_dict()


def as_text(value: Any) -> str:
    """Return what pynvml gives as bytes or as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _text_of(function: str) -> _Call:
    return lambda nvml, gpu: as_text(getattr(nvml, function)(gpu))


def _number_of(function: str, *given: str) -> _Call:
    return lambda nvml, gpu: getattr(nvml, function)(gpu, *(getattr(nvml, name) for name in given))


def _watts_of(function: str) -> _Call:
    return lambda nvml, gpu: getattr(nvml, function)(gpu) / 1000


def _temperature(nvml: Any, handle: Any) -> Any:
    """The call that CUDA 14 keeps came with 570; the one before it will go."""
    try:
        return nvml.nvmlDeviceGetTemperatureV(handle, nvml.NVML_TEMPERATURE_GPU)
    except (nvml.NVMLError_FunctionNotFound, nvml.NVMLError_NotSupported):
        return nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)


def _reasons(nvml: Any, handle: Any) -> Any:
    try:
        bits = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    except nvml.NVMLError_FunctionNotFound:  # before 535.54
        bits = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
    return [name for bit, name in EVENT_REASONS if bits & bit]


def _ecc(kind: str, when: str) -> _Call:
    return lambda nvml, gpu: nvml.nvmlDeviceGetTotalEccErrors(
        gpu, getattr(nvml, f"NVML_MEMORY_ERROR_TYPE_{kind}"), getattr(nvml, f"NVML_{when}_ECC")
    )


def _inforom_valid(nvml: Any, handle: Any) -> bool:
    try:
        nvml.nvmlDeviceValidateInforom(handle)
    except nvml.NVMLError as error:
        if error.value == _CORRUPTED_INFOROM:
            return False
        raise
    return True


def _retired(nvml: Any, handle: Any) -> int:
    causes = (
        nvml.NVML_PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS,
        nvml.NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR,
    )
    return sum(len(nvml.nvmlDeviceGetRetiredPages(handle, cause)) for cause in causes)


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


def _banks(nvml: Any, handle: Any) -> Any:
    found = nvml.nvmlDeviceGetRowRemapperHistogram(handle)
    return [found.max, found.high, found.partial, found.low, found.none]


def _sram(nvml: Any, handle: Any) -> Any:
    status = nvml.c_nvmlEccSramErrorStatus_v1_t()
    nvml.nvmlDeviceGetSramEccErrorStatus(handle, ctypes.byref(status))
    uncorrected = status.aggregateUncParity + status.aggregateUncSecDed
    return [uncorrected, bool(status.bThresholdExceeded)]


_CALLS: Dict[str, _Call] = {
    "uuid": _text_of("nvmlDeviceGetUUID"),
    "serial": _text_of("nvmlDeviceGetSerial"),
    "name": _text_of("nvmlDeviceGetName"),
    "pci_bus_id": lambda nvml, gpu: bus_id(as_text(nvml.nvmlDeviceGetPciInfo(gpu).busId)),
    "board_part": _text_of("nvmlDeviceGetBoardPartNumber"),
    "architecture": lambda nvml, gpu: ARCHITECTURES.get(nvml.nvmlDeviceGetArchitecture(gpu), "unknown"),
    "vbios": _text_of("nvmlDeviceGetVbiosVersion"),
    "inforom": _text_of("nvmlDeviceGetInforomImageVersion"),
    "inforom_valid": _inforom_valid,
    "gsp_firmware": _text_of("nvmlDeviceGetGspFirmwareVersion"),
    "temperature_c": _temperature,
    "margin_c": lambda nvml, gpu: int(nvml.nvmlDeviceGetMarginTemperature(gpu)),
    "slowdown_temperature_c": _number_of(
        "nvmlDeviceGetTemperatureThreshold", "NVML_TEMPERATURE_THRESHOLD_SLOWDOWN"
    ),
    "memory_limit_temperature_c": _number_of(
        "nvmlDeviceGetTemperatureThreshold", "NVML_TEMPERATURE_THRESHOLD_MEM_MAX"
    ),
    "power_w": _watts_of("nvmlDeviceGetPowerUsage"),
    "power_limit_w": _watts_of("nvmlDeviceGetEnforcedPowerLimit"),
    "power_limit_default_w": _watts_of("nvmlDeviceGetPowerManagementDefaultLimit"),
    "clock_sm_mhz": _number_of("nvmlDeviceGetClockInfo", "NVML_CLOCK_SM"),
    "clock_sm_max_mhz": _number_of("nvmlDeviceGetMaxClockInfo", "NVML_CLOCK_SM"),
    "clock_memory_mhz": _number_of("nvmlDeviceGetClockInfo", "NVML_CLOCK_MEM"),
    "performance_state": lambda nvml, gpu: f"P{nvml.nvmlDeviceGetPerformanceState(gpu)}",
    "utilization_percent": lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu,
    "clocks_event_reasons": _reasons,
    "ecc_volatile_corrected": _ecc("CORRECTED", "VOLATILE"),
    "ecc_volatile_uncorrected": _ecc("UNCORRECTED", "VOLATILE"),
    "ecc_aggregate_corrected": _ecc("CORRECTED", "AGGREGATE"),
    "ecc_aggregate_uncorrected": _ecc("UNCORRECTED", "AGGREGATE"),
    "remap_banks": _banks,
    "memory_unrepairable": lambda nvml, gpu: bool(nvml.nvmlDeviceGetUnrepairableMemoryFlag_v1(gpu)),
    "retired_pages": _retired,
    "retired_pages_pending": lambda nvml, gpu: bool(nvml.nvmlDeviceGetRetiredPagesPendingStatus(gpu)),
    "pcie_gen": _number_of("nvmlDeviceGetCurrPcieLinkGeneration"),
    "pcie_gen_max": _number_of("nvmlDeviceGetMaxPcieLinkGeneration"),
    "pcie_width": _number_of("nvmlDeviceGetCurrPcieLinkWidth"),
    "pcie_width_max": _number_of("nvmlDeviceGetMaxPcieLinkWidth"),
    "pcie_replays": _number_of("nvmlDeviceGetPcieReplayCounter"),
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
    (("remapped_rows_corrected", "remapped_rows_uncorrected", "remap_pending", "remap_failure"), _remapped),
    (("ecc_sram_uncorrected", "ecc_sram_threshold_exceeded"), _sram),
)


def _note(nvml: Any, gpu: Gpu, names: Tuple[str, ...], read: Callable[[], Any]) -> None:
    try:
        values = read()
    except nvml.NVMLError as error:
        for name in names:
            _note_error(gpu, name, int(error.value), str(error))
        return
    for name, value in zip(names, values):
        if value is None:
            gpu.unsupported(name)
        else:
            gpu.value(name, value)


def _note_error(gpu: Gpu, name: str, code: int, text: str) -> None:
    if code in _UNSUPPORTED:
        gpu.unsupported(name)
        return
    gpu.error(name, text)
    if code == _GPU_IS_LOST:
        gpu.state = LOST


def _note_fields(nvml: Any, gpu: Gpu, handle: Any) -> None:
    """Note what the field values add; a call that was better where both answer has noted its reading already."""
    try:
        values, failed = nvml_fields.read(nvml, handle)
    except nvml.NVMLError as error:
        values, failed = {}, dict.fromkeys(nvml_fields.NAMES, int(error.value))
    for name, code in failed.items():
        _note_error(gpu, name, code, f"NVML {code}")
    for name, value in values.items():
        if gpu.get(name) is None or name in nvml_fields.BETTER:
            gpu.value(name, value)
