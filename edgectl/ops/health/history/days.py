"""A card's days, a week of them packed in one row: how hot it was, and by how much its counters grew. Pure.

Days are UTC's. A counter that went back to zero grew by what it shows now.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from edgectl.ops.health.history.looks import BANKS
from edgectl.ops.health.observed_gpu import Gpu

DAYS_OF_WEEK = 7
_NONE = math.nan


class Day(NamedTuple):
    """One day of one card; NaN where there was no reading.

    `ordinal` counts days from the year 1, temperatures are in °C, power in W, slowdowns in seconds; `rows` are the
    remapped rows at the end of the day, `banks_*` the memory banks with all to no spare rows left.
    """

    ordinal: float
    looks: float = 0.0
    temperature_n: float = 0.0
    temperature_sum: float = 0.0
    temperature_min: float = _NONE
    temperature_max: float = _NONE
    power_n: float = 0.0
    power_sum: float = 0.0
    power_max: float = _NONE
    margin_min: float = _NONE
    ecc_corrected: float = 0.0
    ecc_uncorrected: float = 0.0
    pcie_replays: float = 0.0
    pcie_correctable: float = 0.0
    thermal_s: float = 0.0
    brake_s: float = 0.0
    rows: float = _NONE
    banks_all: float = _NONE
    banks_most: float = _NONE
    banks_some: float = _NONE
    banks_few: float = _NONE
    banks_none: float = _NONE

    @property
    def temperature_mean(self) -> float | None:
        """The mean temperature, in °C, of the looks that had one."""
        return self.temperature_sum / self.temperature_n if self.temperature_n else None

    @property
    def power_mean(self) -> float | None:
        """The mean power, in W."""
        return self.power_sum / self.power_n if self.power_n else None

    @property
    def banks(self) -> tuple[float, ...] | None:
        """The histogram of spare rows, from banks with all to banks with none."""
        return None if math.isnan(self.banks_all) else tuple(self[-BANKS:])


_FIELDS = len(Day._fields)
# An ordinal of today needs 20 bits, and a float has 24.
_DAY = struct.Struct(f"<{_FIELDS}f")
_VERSION = b"\x01"


def week_of(at: datetime) -> int:
    """Return the week that a moment is in."""
    return ordinal_of(at) // DAYS_OF_WEEK


def ordinal_of(at: datetime) -> int:
    """Return the day that a moment is in."""
    return at.astimezone(UTC).date().toordinal()


def days_of(packed: bytes) -> Iterator[Day]:
    """Yield the days of a packed week, the first first; what another edgectl packed otherwise has none."""
    return map(Day._make, _DAY.iter_unpack(packed[1:] if packed[:1] == _VERSION else b""))


def pack_days(days: list[Day]) -> bytes:
    """Return days as a week's row has them."""
    return _VERSION + b"".join(_DAY.pack(*day) for day in days)


def with_day(packed: bytes, gpu: Gpu, before: Gpu | None, at: datetime) -> bytes:
    """Return a packed week with one more look in its last day; counters grew from what `before` shows."""
    ordinal = float(ordinal_of(at))
    last = packed[-_DAY.size :] if packed[:1] == _VERSION and len(packed) > _DAY.size else b""
    today = Day._make(_DAY.unpack(last)) if last else None
    if today is None or today.ordinal != ordinal:
        kept = packed if packed[:1] == _VERSION else _VERSION
        return kept + _DAY.pack(*_looked(Day(ordinal), gpu, before))
    return packed[: -_DAY.size] + _DAY.pack(*_looked(today, gpu, before))


def _looked(day: Day, gpu: Gpu, before: Gpu | None) -> Day:
    heat, power, banks = gpu.temperature_c, gpu.power_w, gpu.remap_banks
    return Day(
        day.ordinal,
        day.looks + 1,
        *_mean(day.temperature_n, day.temperature_sum, heat),
        _least(day.temperature_min, heat),
        _most(day.temperature_max, heat),
        *_mean(day.power_n, day.power_sum, power),
        _most(day.power_max, power),
        _least(day.margin_min, gpu.margin_c),
        day.ecc_corrected + _grown(gpu, before, "ecc_volatile_corrected"),
        day.ecc_uncorrected + _grown(gpu, before, "ecc_volatile_uncorrected"),
        day.pcie_replays + _grown(gpu, before, "pcie_replays"),
        day.pcie_correctable + _grown(gpu, before, "pcie_aer_correctable"),
        day.thermal_s
        + _slowed(gpu, before, "hw_thermal_slowdown_us", "sw_thermal_slowdown_us", "hw_slowdown_us"),
        day.brake_s + _slowed(gpu, before, "hw_power_brake_us"),
        _rows(gpu, day.rows),
        *(map(float, banks) if banks and len(banks) == BANKS else day[-BANKS:]),
    )


def _grown(gpu: Gpu, before: Gpu | None, name: str) -> float:
    now, then = getattr(gpu, name), getattr(before, name) if before is not None else None
    if now is None or then is None:
        return 0.0
    return float(now - then if now >= then else now)


def _slowed(gpu: Gpu, before: Gpu | None, *names: str) -> float:
    return sum(_grown(gpu, before, name) for name in names) / 1e6


def _rows(gpu: Gpu, before: float) -> float:
    corrected, uncorrected = gpu.remapped_rows_corrected, gpu.remapped_rows_uncorrected
    if corrected is None and uncorrected is None:
        return before
    return float((corrected or 0) + (uncorrected or 0))


def _mean(count: float, total: float, value: float | None) -> tuple[float, float]:
    return (count, total) if value is None else (count + 1, total + value)


def _least(so_far: float, value: float | None) -> float:
    return so_far if value is None else value if math.isnan(so_far) else min(so_far, value)


def _most(so_far: float, value: float | None) -> float:
    return so_far if value is None else value if math.isnan(so_far) else max(so_far, value)
