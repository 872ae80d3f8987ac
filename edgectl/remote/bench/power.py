"""GPU power, clocks and throttle reasons over the measured window, and what a token cost in joules.

A process of its own asks NVML ten times a second: a driver that hangs can then hang nothing else. It keeps what
it saw until it is asked for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import statistics
import time
from typing import Any, Callable, Mapping, Sequence

from edgectl.remote.bench.load import Load
from edgectl.remote.bench.target import target_of

_LIBRARY = "libnvidia-ml.so.1"
_EVERY_S = 0.1
# InferenceX calls a run's power invalid from the same gap on: what happened in it is not known.
GAP_LIMIT_S = 3.0
_ANSWER_LIMIT_S = 5.0
_READ_BYTES = 1 << 20
_READINGS: dict[str, Callable[[Any, Any], Any]] = {
    "power_w": lambda nvml, gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000,
    "clock_sm_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
    "clock_memory_mhz": lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM),
    "temperature_c": lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU),
    "utilization_percent": lambda nvml, gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu,
    "event_reasons": lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu),
}
_NAMES: dict[str, Callable[[Any, Any], Any]] = {
    "name": lambda nvml, gpu: _text(nvml.nvmlDeviceGetName(gpu)),
    "uuid": lambda nvml, gpu: _text(nvml.nvmlDeviceGetUUID(gpu)),
    "vbios": lambda nvml, gpu: _text(nvml.nvmlDeviceGetVbiosVersion(gpu)),
    "power_limit_w": lambda nvml, gpu: nvml.nvmlDeviceGetEnforcedPowerLimit(gpu) / 1000,
}
# Bits of nvmlDeviceGetCurrentClocksThrottleReasons that slow a GPU down; the others are an idle GPU, and clocks that
# somebody has set.
_THROTTLING = {
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
}


class PowerWatch:
    """The process that asks, seen from its parent."""

    def __init__(self) -> None:
        self._reading, up = os.pipe()
        down, self._writing = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._reading)
            os.close(self._writing)
            _watch(down, up, parent)
        os.close(up)
        os.close(down)

    @staticmethod
    def of(load: Load) -> PowerWatch | None:
        """Begin to watch this host's GPUs; None where it has no NVML, or where the server is another host's."""
        if not _is_installed() or not is_here(target_of(load.url).host):
            return None
        return PowerWatch()

    def stop(self, start_ns: int, end_ns: int) -> dict[str, Any]:
        """Return what was seen between two moments; `{"error": …}` where nothing was."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and has said why
            os.write(self._writing, b"stop\n")
        parts = []
        until = time.monotonic() + _ANSWER_LIMIT_S
        while True:
            left_s = until - time.monotonic()
            if left_s <= 0 or not select.select([self._reading], [], [], left_s)[0]:
                return {"error": "the driver did not answer in time"}
            received = os.read(self._reading, _READ_BYTES)
            if not received:
                break
            parts.append(received)
        try:
            found = json.loads(b"".join(parts))
        except ValueError:
            return {"error": "NVML gave no answer"}
        if "error" in found:
            return {"error": str(found["error"])}
        return summed(found, start_ns, end_ns)

    def end(self) -> None:
        """Tell it to end, and leave behind one that the driver holds; never raises."""
        os.close(self._reading)
        os.close(self._writing)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        until = time.monotonic() + _EVERY_S
        while not os.waitpid(self._pid, os.WNOHANG)[0] and time.monotonic() < until:
            time.sleep(_EVERY_S / 10)


def _is_installed() -> bool:
    """Tell whether the loader finds NVML: pynvml, which would say the same, takes 70 ms to import."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def is_here(host: str) -> bool:
    """Tell whether an address is this host's own: only then can a socket be bound to it."""
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
            with socket.socket(family, kind) as tried:
                tried.bind(address)
    except OSError:
        return False
    return True


def _watch(reading: int, writing: int, parent: int) -> None:
    """Ask until told to stop, then tell all; never returns."""
    try:
        told = json.dumps(_watched(reading, parent)).encode()
        while told:
            told = told[os.write(writing, told) :]
    finally:
        os._exit(0)


def _watched(reading: int, parent: int) -> dict[str, Any]:
    nvml = importlib.import_module("pynvml")
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        driver = _text(nvml.nvmlSystemGetDriverVersion())
    except nvml.NVMLError as error:
        return {"error": str(error)}
    found: dict[str, Any] = {
        "driver_version": driver,
        "gpus": [{**_read(nvml, handle, _NAMES), "samples": []} for handle in handles],
    }
    while os.getppid() == parent and not select.select([reading], [], [], _EVERY_S)[0]:
        for gpu, handle in zip(found["gpus"], handles):
            at_ns = time.monotonic_ns()
            gpu["samples"].append({"at_ns": at_ns, **_read(nvml, handle, _READINGS)})
    return found


def _read(nvml: Any, gpu: Any, calls: Mapping[str, Callable[[Any, Any], Any]]) -> dict[str, Any]:
    """Return these readings, None for one that the GPU does not give."""
    return {name: _or_none(nvml, gpu, call) for name, call in calls.items()}


def _or_none(nvml: Any, gpu: Any, call: Callable[[Any, Any], Any]) -> Any:
    try:
        return call(nvml, gpu)
    except nvml.NVMLError:
        return None


def _text(value: Any) -> str:
    """Return what pynvml gives as bytes or as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def summed(found: dict[str, Any], start_ns: int, end_ns: int) -> dict[str, Any]:
    """Return per GPU what the samples say of the window, and the joules of all of them together."""
    gpus = [_gpu(gpu, start_ns, end_ns) for gpu in found["gpus"]]
    joules = [gpu["energy_j"] for gpu in gpus]
    known = [figure for figure in joules if figure is not None]
    return {
        "driver_version": found["driver_version"],
        "gpus": gpus,
        "energy_j": round(sum(known), 3) if gpus and len(known) == len(joules) else None,
    }


def _gpu(gpu: dict[str, Any], start_ns: int, end_ns: int) -> dict[str, Any]:
    inside = [sample for sample in gpu["samples"] if start_ns <= sample["at_ns"] <= end_ns]
    power = [
        (sample["at_ns"], sample["power_w"]) for sample in gpu["samples"] if sample["power_w"] is not None
    ]
    energy_j = integral_j(power, start_ns, end_ns)
    reasons = [sample["event_reasons"] for sample in inside if sample["event_reasons"] is not None]
    throttled = {name: sum(bool(bits & bit) for bits in reasons) for bit, name in _THROTTLING.items()}
    return {
        **{name: gpu[name] for name in _NAMES},
        "samples": len(inside),
        "energy_j": None if energy_j is None else round(energy_j, 3),
        "power_w": _over(inside, "power_w"),
        "clock_sm_mhz": _over(inside, "clock_sm_mhz"),
        "clock_memory_mhz": _over(inside, "clock_memory_mhz"),
        "temperature_c": _over(inside, "temperature_c"),
        "utilization_percent": _over(inside, "utilization_percent"),
        "throttled": {name: round(count / len(reasons), 4) for name, count in throttled.items() if count},
    }


def _over(samples: Sequence[dict[str, Any]], name: str) -> dict[str, float] | None:
    values = [sample[name] for sample in samples if sample[name] is not None]
    if not values:
        return None
    return {"mean": round(statistics.fmean(values), 3), "min": min(values), "max": max(values)}


def integral_j(samples: Sequence[tuple[int, float]], start_ns: int, end_ns: int) -> float | None:
    """Return the energy between two moments from (ns, watts) in order of time, by trapezoids.

    The first and the last sample stand for what lies before and behind them. None where a gap, at the ends too,
    is longer than `GAP_LIMIT_S`: what was drawn in it is not known.
    """
    if not samples or end_ns <= start_ns:
        return None
    points = [(start_ns, _at(samples, start_ns))]
    points += [sample for sample in samples if start_ns < sample[0] < end_ns]
    points.append((end_ns, _at(samples, end_ns)))
    limit_ns = GAP_LIMIT_S * 1e9
    around = [max(start_ns, samples[0][0]), *(at for at, _ in points[1:-1]), min(end_ns, samples[-1][0])]
    moments = [start_ns, *around, end_ns]
    if any(later - earlier > limit_ns for earlier, later in zip(moments, moments[1:])):
        return None
    return sum(
        (later - earlier) / 1e9 * (before + after) / 2
        for (earlier, before), (later, after) in zip(points, points[1:])
    )


def _at(samples: Sequence[tuple[int, float]], moment_ns: int) -> float:
    """Return the power at a moment, between its neighbours."""
    earlier = samples[0]
    for sample in samples:
        if sample[0] >= moment_ns:
            span = sample[0] - earlier[0]
            share = (moment_ns - earlier[0]) / span if span > 0 else 1.0
            return earlier[1] + (sample[1] - earlier[1]) * max(0.0, share)
        earlier = sample
    return samples[-1][1]
