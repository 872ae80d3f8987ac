"""One GPU as its node told it: every reading is a value, or None with the reason in `unread`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class GpuState(StrEnum):
    """Whether the driver reaches a GPU."""

    OK = "ok"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Unread:
    """Why readings have no value: the GPU has none, it could not be had, nobody asked for it."""

    unsupported: Sequence[str] = ()
    error: Mapping[str, str] = field(default_factory=dict)
    not_collected: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that holds memory of a GPU; `age_s` since it began, where the host let us see it."""

    pid: int
    name: str
    used_mib: int | None = None
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; a reading that is None has no value, and `unread` says why. It is never zero for that.

    `remap_banks` counts the memory banks with all, most, some, few and no spare rows left, in that order.
    Counters in microseconds and errors run since the driver was loaded, `ecc_aggregate_*`, `remapped_*` and
    `retired_*` over the card's life; `pcie_aer_*` since boot.
    """

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
    # What 1.1 to 1.4 of the health checks need beyond the above; a driver that lacks one says unsupported.
    board_part: str | None = None
    architecture: str | None = None
    inforom: str | None = None
    inforom_valid: bool | None = None
    gsp_firmware: str | None = None
    memory_limit_temperature_c: float | None = None
    power_average_w: float | None = None
    clock_sm_max_mhz: int | None = None
    sw_power_cap_us: int | None = None
    hw_slowdown_us: int | None = None
    ecc_sram_uncorrected: int | None = None
    ecc_sram_threshold_exceeded: bool | None = None
    remap_banks: Sequence[int] | None = None
    memory_unrepairable: bool | None = None
    retired_pages: int | None = None
    retired_pages_pending: bool | None = None
    pcie_aer_correctable: int | None = None
    pcie_aer_nonfatal: int | None = None
    pcie_aer_fatal: int | None = None
    nvlinks: int | None = None
    nvlinks_active: int | None = None
    nvlink_errors: int | None = None
    fabric_state: str | None = None
    fabric_status: int | None = None
    fabric_health: int | None = None
    mig_instances: int | None = None
    processes: Sequence[GpuProcess] | None = None
    unread: Unread = field(default_factory=Unread)

    @property
    def label(self) -> str:
        """How a person finds it: its index, else its PCI address without the domain."""
        if self.index is not None:
            return str(self.index)
        return (self.pci_bus_id or "?").partition(":")[2] or "?"
