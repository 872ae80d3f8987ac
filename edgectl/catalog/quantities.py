"""What a threshold can be: each has a quantity, and a quantity has a physical range.

A floor that is a thousand times too low can never be crossed, so the check behind it never fails; that is how
one published table of bandwidths lists one GPU. A value outside its range is refused when the rules are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """The least and the most that makes sense, in `unit`."""

    low: float
    high: float
    unit: str

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


QUANTITIES: Mapping[str, Quantity] = {
    # Between a cold room and what silicon survives.
    "temperature_c": Quantity(20, 130, "°C"),
    # NVML's T.limit margins lie between -10 and the distance to a cold start.
    "margin_c": Quantity(-10, 30, "°C"),
    # Between what a sensor tells apart and what separates a cold card from a dead one.
    "difference_c": Quantity(1, 60, "°C"),
    "share": Quantity(0.001, 1, ""),
    "count": Quantity(1, 1_000_000, ""),
    "per_hour": Quantity(0.01, 1_000_000, "per hour"),
    "per_day": Quantity(0.01, 10_000, "per day"),
    # PCIe asks for 1e-12; nothing that works at all is worse than 1e-6.
    "bit_error_rate": Quantity(1e-18, 1e-6, "errors per bit"),
    "age_s": Quantity(1, 30 * 86_400, "s"),
    "offset_s": Quantity(0.001, 3_600, "s"),
    "memory_mib": Quantity(1, 1_048_576, "MiB"),
    "disk_gb": Quantity(0.05, 100_000, "GB"),
    # From a small card's GDDR to eight stacks of HBM, with room for the next ones.
    "bandwidth_gbs": Quantity(50, 30_000, "GB/s"),
    "power_w": Quantity(20, 3_000, "W"),
    "pcie_generation": Quantity(1, 8, ""),
    "pcie_lanes": Quantity(1, 32, ""),
    "nvlinks": Quantity(0, 72, ""),
}


def complaint(name: str, value: float) -> str | None:
    """Return what is wrong with a value of a quantity, None where nothing is."""
    quantity = QUANTITIES[name]
    if value in quantity:
        return None
    unit = f" {quantity.unit}" if quantity.unit else ""
    return f"{value:g} is no {name}: that lies between {quantity.low:g} and {quantity.high:g}{unit}"
