"""What one node said, as types: the border between the hosts' JSON and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter


class GpuState(StrEnum):
    """Whether the driver reaches a GPU."""

    OK = "ok"
    LOST = "lost"


class Collector(StrEnum):
    """Who answered at the host; the kernel alone knows little."""

    NVML = "nvml"
    SMI = "nvidia-smi"
    KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class Unread:
    """Why readings have no value: the GPU has none, it could not be had, nobody asked for it."""

    unsupported: Sequence[str] = ()
    error: Mapping[str, str] = field(default_factory=dict)
    not_collected: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; a reading that is None has no value, and `unread` says why. It is never zero for that."""

    index: int | None
    state: GpuState
    uuid: str | None = None
    serial: str | None = None
    name: str | None = None
    pci_bus_id: str | None = None
    vbios: str | None = None
    memory_total_mib: int | None = None
    memory_used_mib: int | None = None
    temperature_c: float | None = None
    memory_temperature_c: float | None = None
    margin_c: float | None = None
    slowdown_margin_c: float | None = None
    slowdown_temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    power_limit_default_w: float | None = None
    clock_sm_mhz: int | None = None
    clock_memory_mhz: int | None = None
    performance_state: str | None = None
    utilization_percent: float | None = None
    clocks_event_reasons: Sequence[str] | None = None
    sw_thermal_slowdown_us: int | None = None
    hw_thermal_slowdown_us: int | None = None
    hw_power_brake_us: int | None = None
    ecc_mode: bool | None = None
    ecc_mode_pending: bool | None = None
    ecc_volatile_corrected: int | None = None
    ecc_volatile_uncorrected: int | None = None
    ecc_aggregate_corrected: int | None = None
    ecc_aggregate_uncorrected: int | None = None
    remapped_rows_corrected: int | None = None
    remapped_rows_uncorrected: int | None = None
    remap_pending: bool | None = None
    remap_failure: bool | None = None
    pcie_gen: int | None = None
    pcie_gen_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    pcie_replays: int | None = None
    mig_mode: bool | None = None
    mig_mode_pending: bool | None = None
    persistence_mode: bool | None = None
    recovery_action: str | None = None
    unread: Unread = field(default_factory=Unread)

    @property
    def label(self) -> str:
        """How a person finds it: its index, else its PCI address without the domain."""
        if self.index is not None:
            return str(self.index)
        return (self.pci_bus_id or "?").partition(":")[2] or "?"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A collector that did not answer; `code` is NVML's or nvidia-smi's."""

    collector: Collector
    error: str
    code: int | None = None
    hung: bool = False


@dataclass(frozen=True, slots=True)
class Xid:
    """One error of the driver at one place, as often as it was logged since boot; `line` is the last."""

    code: int
    pci_bus_id: str | None
    count: int
    first: str | None
    last: str | None
    line: str
    gpu: str | None = None
    gpu_instance: str | None = None
    compute_instance: str | None = None
    processes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class KernelLog:
    """Where the kernel log was read; no source: it could not be, and `error` says why."""

    source: str | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """All that one node said."""

    collector: Collector
    driver_version: str | None
    kernel: str
    boot_id: str
    gpus: Sequence[Gpu]
    xids: Sequence[Xid]
    kernel_log: KernelLog
    attempts: Sequence[Attempt] = ()


def node_of(result: Mapping[str, Any]) -> Node:
    """Return what `gpu_facts` said, or raise `ValueError` where it makes no sense."""
    return _adapter().validate_python(dict(result))


@cache
def _adapter() -> TypeAdapter[Node]:
    return TypeAdapter(Node)
