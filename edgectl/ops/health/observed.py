"""What one node said, as types: the border between the hosts' JSON and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from edgectl.ops.health.observed_gpu import Gpu
from edgectl.ops.health.observed_node import Dpu, KernelEvent, Machine, Port


class Collector(StrEnum):
    """Who answered at the host; the kernel alone knows little."""

    NVML = "nvml"
    SMI = "nvidia-smi"
    KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A collector that did not answer; `code` is NVML's or nvidia-smi's."""

    collector: Collector
    error: str
    code: int | None = None
    hung: bool = False


@dataclass(frozen=True, slots=True)
class Xid:
    """One error of the driver at one place, as often as it was logged in one boot; `line` is the last."""

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
    boot: int = 0  # 0: this boot; -1: the one before
    moments: Sequence[str] = ()  # when, the last few of them


@dataclass(frozen=True, slots=True)
class PciGpu:
    """An NVIDIA GPU that PCI shows, and the driver that has it ('' for none)."""

    pci_bus_id: str
    driver: str = ""
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class KernelLog:
    """Where the kernel log was read; no source: it could not be, and `error` says why."""

    source: str | None
    error: str = ""
    boots: int = 1  # how many boots it covers, this one included


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
    library_version: str | None = None  # of the file behind libnvidia-ml.so.1, asked of no driver
    pci_gpus: Sequence[PciGpu] | None = None
    proc_gpus: Sequence[str] | None = None  # the addresses under /proc/driver/nvidia/gpus
    events: Sequence[KernelEvent] = ()
    machine: Machine | None = None
    dpus: Sequence[Dpu] | None = None
    ports: Sequence[Port] | None = None
    cpu_s: float | None = None  # what the collector itself cost
    cut: Mapping[str, int] = field(
        default_factory=dict
    )  # how many entries a list lost to the size of the answer


def node_of(result: Mapping[str, Any]) -> Node:
    """Return what `health_facts` said, or raise `ValueError` where it makes no sense."""
    return _adapter().validate_python(dict(result))


@cache
def _adapter() -> TypeAdapter[Node]:
    return TypeAdapter(Node)
