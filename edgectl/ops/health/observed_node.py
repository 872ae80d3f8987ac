"""What a node told about itself, its DPUs, its network ports and its kernel log, apart from GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from edgectl.ops.health.observed_gpu import Unread


@dataclass(frozen=True, slots=True)
class Disk:
    """One mounted file system that lasts."""

    mount: str
    device: str
    size_bytes: int
    free_bytes: int
    inodes: int | None = None
    inodes_free: int | None = None
    read_only: bool = False
    wanted_writable: bool = True  # /etc/fstab asks for it, or does not name it


@dataclass(frozen=True, slots=True)
class Stuck:
    """A process that waits in the kernel and cannot be killed (state D); `age_s` since it began."""

    pid: int
    name: str
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class TimeKeeping:
    """How the node keeps time; `offset_s` from its source, positive where the node is ahead."""

    synchronised: bool | None = None
    source: str | None = None
    offset_s: float | None = None
    stratum: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A systemd unit somebody asked about."""

    name: str
    load: str
    active: str
    sub: str
    restarts: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """The node itself; a reading that is None has no value, and `unread` says why."""

    uptime_s: float | None = None
    processors: int | None = None
    load_1m: float | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    memory_modules: int | None = None
    zombies: int | None = None
    stuck: Sequence[Stuck] | None = None
    threads: int | None = None
    threads_max: int | None = None
    files: int | None = None
    files_max: int | None = None
    governor: str | None = None
    clocksource: str | None = None
    time: TimeKeeping | None = None
    disks: Sequence[Disk] | None = None
    units: Sequence[Unit] | None = None
    modules: Sequence[str] | None = None
    iommu_groups: int | None = None
    acs_enabled: bool | None = None
    unread: Unread = field(default_factory=Unread)


class DpuMode(StrEnum):
    """Who owns the DPU's network: its own processor, or the host as with a plain card."""

    DPU = "dpu"
    NIC = "nic"


@dataclass(frozen=True, slots=True)
class Dpu:
    """One BlueField as its host sees it; `pci_bus_id` of its first network function.

    `arm_up` by the rshim console or the other end of its tmfifo; `uptime_s` of the DPU itself.
    """

    pci_bus_id: str
    model: str | None = None
    device_id: str | None = None
    part: str | None = None
    serial: str | None = None
    firmware: str | None = None
    mode: DpuMode | None = None
    rshim: str | None = None
    arm_up: bool | None = None
    boot_state: str | None = None
    software: str | None = None
    uptime_s: float | None = None
    temperature_c: float | None = None
    unread: Unread = field(default_factory=Unread)


@dataclass(frozen=True, slots=True)
class Port:
    """One port of an RDMA-capable card; counters run since its driver was loaded."""

    device: str
    port: int = 1
    interface: str | None = None
    pci_bus_id: str | None = None
    link_layer: str | None = None
    state: str | None = None
    physical_state: str | None = None
    rate_gbps: float | None = None
    firmware: str | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    unread: Unread = field(default_factory=Unread)


@dataclass(frozen=True, slots=True)
class KernelEvent:
    """Lines of the kernel log of one `kind` about one `device`, folded; `line` is the last.

    `boot` is 0 for this boot, -1 for the one before.
    """

    kind: str
    device: str | None
    count: int
    first: str | None
    last: str | None
    line: str
    boot: int = 0
