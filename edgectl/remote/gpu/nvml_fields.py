"""Field values: dozens of readings by number in one call, each with a type and a return code of its own."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Tuple

from edgectl.remote.gpu.readings import RECOVERY_ACTIONS

# nvml.h, nvmlReturn_t. A driver that does not know a number calls it an invalid argument.
_INVALID_ARGUMENT, _NOT_SUPPORTED = 2, 3
# nvml.h, nvmlValueType_t -> the member of nvmlValue_t.
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


def _us(value_ns: Any) -> int:
    return int(value_ns) // 1000


def _watts(value_mw: Any) -> float:
    return float(value_mw) / 1000


def _recovery(value: Any) -> str:
    return RECOVERY_ACTIONS.get(value, str(value))


# nvml.h, NVML_FI_DEV_*, with the drivers that brought the later ones.
_FIELDS: Tuple[Tuple[int, str, Callable[[Any], Any]], ...] = (
    (74, "sw_power_cap_us", _us),  # PERF_POLICY_POWER, the same as CLOCKS_EVENT_REASON_SW_POWER_CAP
    (75, "hw_slowdown_us", _us),  # PERF_POLICY_THERMAL
    (82, "memory_temperature_c", float),
    (91, "nvlinks", int),
    (94, "pcie_replays", int),
    (142, "remapped_rows_corrected", int),
    (143, "remapped_rows_uncorrected", int),
    (144, "remap_pending", bool),
    (145, "remap_failure", bool),
    (173, "pcie_aer_correctable", int),
    (179, "pcie_aer_nonfatal", int),
    (180, "pcie_aer_fatal", int),
    (185, "power_average_w", _watts),
    (186, "power_w", _watts),
    (194, "slowdown_margin_c", float),
    (230, "recovery_action", _recovery),  # 570
    (269, "sw_thermal_slowdown_us", _us),  # 580, as the next two
    (270, "hw_thermal_slowdown_us", _us),
    (271, "hw_power_brake_us", _us),
)
# 550 to 570: whether a reset, or a drain and a reset, is wanted; 230 replaced both.
_RESET, _DRAIN_AND_RESET = 226, 227
NAMES = tuple(name for _, name, _ in _FIELDS)
# Where a call and a field value both answer, the draw of this moment is the better one.
BETTER = frozenset({"power_w"})


def read(nvml: Any, handle: Any) -> Tuple[Dict[str, Any], Dict[str, int]]:
    """Return the readings that there are, and the return codes of those that are not."""
    answers = ask(nvml, handle, [number for number, _, _ in _FIELDS] + [_RESET, _DRAIN_AND_RESET])
    values: Dict[str, Any] = {}
    failed: Dict[str, int] = {}
    for number, name, convert in _FIELDS:
        code, value = answers[number]
        if code == 0:
            values[name] = convert(value)
        else:
            failed[name] = _NOT_SUPPORTED if code == _INVALID_ARGUMENT else code
    if "recovery_action" not in values:
        values.update(_recovery_before_570(answers))
    if "hw_thermal_slowdown_us" in values:
        values.pop("hw_slowdown_us", None)
        failed["hw_slowdown_us"] = _NOT_SUPPORTED
    return values, failed


def ask(nvml: Any, handle: Any, numbers: Iterable[Any]) -> Dict[Any, Tuple[int, Any]]:
    """Return a code and a value for each number, or for each pair of a number and a link."""
    wanted: List[Any] = list(numbers)
    answers = nvml.nvmlDeviceGetFieldValues(handle, wanted)
    return {number: _answered(answer) for number, answer in zip(wanted, answers)}


def _answered(answer: Any) -> Tuple[int, Any]:
    """A type that is newer than we are is no value that we could read."""
    if answer.nvmlReturn:
        return int(answer.nvmlReturn), None
    if answer.valueType >= len(_MEMBERS):
        return _NOT_SUPPORTED, None
    return 0, getattr(answer.value, _MEMBERS[answer.valueType])


def _recovery_before_570(answers: Dict[Any, Tuple[int, Any]]) -> Dict[str, str]:
    (reset_code, reset), (drain_code, drain) = answers[_RESET], answers[_DRAIN_AND_RESET]
    if reset_code and drain_code:
        return {}
    wanted = 1 if reset else 4 if drain else 0
    return {"recovery_action": RECOVERY_ACTIONS[wanted]}
