"""An earlier look at a card, for counters that say something only by how fast they grow."""

from __future__ import annotations

from dataclasses import dataclass

from edgectl.ops.health.observed_gpu import Gpu


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the same card (by UUID) said in the same boot, `seconds` before."""

    gpu: Gpu
    seconds: float
