"""GPUs and days of them, with no more said than a test needs."""

from __future__ import annotations

from typing import Any

from edgectl.ops.health.history.days import Day
from edgectl.ops.health.observed_gpu import Gpu, GpuState

FIRST = 739_000.0


def a_card(**readings: Any) -> Gpu:
    fields: dict[str, Any] = {"uuid": "GPU-a", "serial": "1650", "name": "RTX", **readings}
    return Gpu(index=0, state=GpuState.OK, pci_bus_id="00000000:41:00.0", **fields)


def a_day(number: int, **changes: Any) -> Day:
    """Return a day of a card at 60 °C and 400 W with all its spare rows; `heat` and `power` are means."""
    heat, power = changes.pop("heat", 60.0), changes.pop("power", 400.0)
    whole: dict[str, Any] = {
        "looks": 96.0,
        "temperature_n": 96.0,
        "temperature_sum": 96 * heat,
        "power_n": 96.0,
        "power_sum": 96 * power,
        "rows": 0.0,
        **banks(4),
        **changes,
    }
    return Day(FIRST + number, **whole)


def banks(worst: int) -> dict[str, float]:
    """Return the histogram of 192 banks of which one has this much left: 4 all its spare rows, 0 none."""
    counts = dict.fromkeys(("banks_none", "banks_few", "banks_some", "banks_most", "banks_all"), 0.0)
    name = list(counts)[worst]
    return {**counts, "banks_all": 191.0, name: 192.0 if worst == 4 else 1.0}
