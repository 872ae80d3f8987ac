"""A card's latest looks, packed: its last samples, and the counters that the next look is compared with. Pure.

A look is its moment, its boot and a fixed list of readings; a reading without a value is NaN. The latest stands as it
is, since a fleet's report reads it of every card; the others are compressed. Twenty looks take about a kilobyte.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edgectl.engine.health_records import CardRecord
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.observed_gpu import Gpu, GpuState

KEPT_LOOKS = 20
# The order is the format: a reading is added at the end, with another version.
GAUGES = (
    "temperature_c",
    "memory_temperature_c",
    "margin_c",
    "power_w",
    "power_limit_w",
    "clock_sm_mhz",
    "memory_used_mib",
    "utilization_percent",
    "pcie_gen",
    "pcie_width",
)
COUNTERS = (
    "sw_thermal_slowdown_us",
    "hw_thermal_slowdown_us",
    "hw_power_brake_us",
    "sw_power_cap_us",
    "hw_slowdown_us",
    "ecc_volatile_corrected",
    "ecc_volatile_uncorrected",
    "ecc_aggregate_corrected",
    "ecc_aggregate_uncorrected",
    "ecc_sram_uncorrected",
    "remapped_rows_corrected",
    "remapped_rows_uncorrected",
    "retired_pages",
    "pcie_replays",
    "pcie_aer_correctable",
    "pcie_aer_nonfatal",
    "pcie_aer_fatal",
    "nvlink_errors",
)
BANKS = 5
_VERSION = b"\x01"
_LOOK = struct.Struct(f"<dI{len(GAUGES)}f{len(COUNTERS)}d{BANKS}f")
_OLDER = 1 + _LOOK.size
_WHOLE = frozenset({"clock_sm_mhz", "memory_used_mib", "pcie_gen", "pcie_width", *COUNTERS})
_ZEROS: dict[str, Any] = dict.fromkeys(COUNTERS, 0)
_AFTER_BOOT = Gpu(index=None, state=GpuState.OK, **_ZEROS)
# Compressing harder gains one per cent and costs a tenth more.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one card; only readings that had a value. `boot` is a mark that differs from boot to boot."""

    at: datetime
    boot: int
    readings: Mapping[str, float]
    banks: Sequence[int] | None = None


def with_look(packed: bytes, gpu: Gpu, boot_id: str, at: datetime) -> bytes:
    """Return packed looks with one more, the latest first and the oldest dropped."""
    older = _raw(packed)[: (KEPT_LOOKS - 1) * _LOOK.size]
    return _VERSION + _packed(gpu, boot_id, at) + zlib.compress(older, _LEVEL)


def looks_of(packed: bytes) -> Iterator[Look]:
    """Yield packed looks, the latest first; what another edgectl packed otherwise has none."""
    return map(_look, _LOOK.iter_unpack(_raw(packed)))


def latest(packed: bytes) -> Look | None:
    """Return the latest look, where there is one."""
    return _look(_LOOK.unpack(packed[1:_OLDER])) if packed[:1] == _VERSION else None


def earlier_of(record: CardRecord, boot_id: str, at: datetime) -> Earlier | None:
    """Return the last look at a card, if it was in this boot: counters of another say nothing beside these."""
    if record.boot != boot_id or not boot_id:
        return None
    look = latest(record.looks)
    seconds = (at - look.at).total_seconds() if look is not None else 0.0
    if look is None or seconds <= 0:
        return None
    return Earlier(_gpu(record, look), seconds)


def base_of(record: CardRecord | None, boot_id: str) -> Gpu | None:
    """Return what a card's counters grew from: its last look, zeros behind a reboot, None where nobody looked."""
    look = latest(record.looks) if record is not None else None
    if record is None or look is None:
        return None
    return _gpu(record, look) if record.boot == boot_id else _AFTER_BOOT


def _gpu(record: CardRecord, look: Look) -> Gpu:
    readings: dict[str, Any] = {
        name: int(value) if name in _WHOLE else value for name, value in look.readings.items()
    }
    return Gpu(
        index=None,
        state=GpuState.OK,
        uuid=record.card,
        serial=record.serial or None,
        name=record.name or None,
        pci_bus_id=record.slot or None,
        remap_banks=look.banks,
        **readings,
    )


def _packed(gpu: Gpu, boot_id: str, at: datetime) -> bytes:
    gauges = [_number(getattr(gpu, name)) for name in GAUGES]
    counters = [_number(getattr(gpu, name)) for name in COUNTERS]
    banks = gpu.remap_banks
    of_banks = [float(count) for count in banks] if banks and len(banks) == BANKS else [math.nan] * BANKS
    return _LOOK.pack(at.timestamp(), zlib.crc32(boot_id.encode()), *gauges, *counters, *of_banks)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _raw(packed: bytes) -> bytes:
    if packed[:1] != _VERSION:
        return b""
    return packed[1:_OLDER] + zlib.decompress(packed[_OLDER:])


def _look(fields: tuple[Any, ...]) -> Look:
    seconds, boot, *values = fields
    readings = dict(zip((*GAUGES, *COUNTERS), values, strict=False))
    banks = values[-BANKS:]
    return Look(
        at=datetime.fromtimestamp(seconds, UTC),
        boot=boot,
        readings={name: value for name, value in readings.items() if not math.isnan(value)},
        banks=None if math.isnan(banks[0]) else tuple(int(count) for count in banks),
    )
