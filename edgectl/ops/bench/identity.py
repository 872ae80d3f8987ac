"""What makes two measurements comparable: the load, the engine and the hardware. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from edgectl.inventory.model import Host
from edgectl.ops.bench.measured import Measured

_DIGITS = 12
# What may differ between measurements of one load: which server it was put on, by which cores, the random numbers.
_NOT_THE_LOAD = frozenset({"url", "seed", "model", "cores"})


def shape_of(measured: Measured) -> str:
    """Return a digest of the load as it was asked for, SLO included."""
    return shape_of_load({**measured.whole["load"], "slo": dict(measured.slo_limits)})


def shape_of_load(load: dict[str, Any]) -> str:
    """Return the digest of a load's settings."""
    settings = {name: value for name, value in load.items() if name not in _NOT_THE_LOAD}
    canonical = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS]


def engine_of(measured: Measured) -> str:
    """Return the engine and its version, as `vllm 0.11.0`; "" where the server does not tell."""
    told = measured.whole.get("environment") or {}
    engine, model = told.get("engine") or {}, told.get("model") or {}
    version = engine.get("version") or engine.get("build_info") or ""
    return f"{model.get('owned_by', '')} {version}".strip()


def sku_of(host: Host, measured: Measured) -> str:
    """Return the hardware: the GPUs that were seen, else what the inventory says, "" where neither does."""
    told = measured.whole.get("environment") or {}
    names = sorted(str(gpu["name"]) for gpu in told.get("gpus") or ())
    counted = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return ", ".join(counted) or host.hardware
