"""What an engine said of its GPUs' memory when it started, read from its own log, for the fits of tomorrow. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from edgectl.catalog.hardware import GpuModel
from edgectl.catalog.slices import slices
from edgectl.engine.service_records import EngineStart
from edgectl.ops.deploy.fit import GIB, MIB, Need
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.release import engine_digest, model_digest

# systemd's line before every start; what stands above the last one is of an earlier start.
_STARTED = "Started "
# vLLM's lines: vllm/worker/worker.py of its first engine, vllm/v1/worker/gpu_worker.py and gpu_model_runner.py now.
_PATTERNS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("weights", re.compile(r"model weights take ([\d.]+) ?GiB")),
    ("weights", re.compile(r"Model loading took ([\d.]+) Gi?B")),
    ("activation", re.compile(r"activation peak memory takes ([\d.]+) ?GiB")),
    ("other", re.compile(r"non_torch_memory takes ([\d.]+) ?GiB")),
    ("graphs", re.compile(r"Graph capturing finished in .*?took (-?[\d.]+) Gi?B")),
    ("cache", re.compile(r"Available KV cache memory: ([\d.]+) GiB")),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What one start took on the GPU that has the most, in bytes; None where the engine said nothing of it."""

    weights: int | None = None
    activation: int | None = None
    graphs: int | None = None
    other: int | None = None
    cache: int | None = None


def said_in(lines: Iterable[str]) -> Said:
    """Return what the latest start in an engine's log said. Of several GPUs each says its own, and the most counts."""
    found: dict[str, float] = {}
    for line in lines:
        if line.startswith(_STARTED):
            found = {}
        for name, pattern in _PATTERNS:
            match = pattern.search(line)
            if match:
                value = float(match[1])
                keep = min if name == "cache" else max
                found[name] = keep(found.get(name, value), value)
    return Said(**{name: int(max(0.0, value) * GIB) for name, value in found.items()})


def start_of(
    lock: Lock, need: Need, gpu: GpuModel, host: str, lines: Sequence[str], at: datetime
) -> EngineStart | None:
    """Return a start for the record; None where the engine said too little to learn from."""
    said = said_in(lines)
    _, memory_mib = slices(need.mig, gpu.memory_mib)
    beside = _beside(said, memory_mib * MIB * need.share)
    if beside is None:
        return None
    return EngineStart(
        model=model_digest(lock.spec),
        engine=engine_digest(lock.spec),
        sku=gpu.name,
        host=host,
        at=at,
        mig=need.mig,
        weights_bytes=said.weights,
        activation_bytes=beside,
        graphs_bytes=said.graphs,
        other_bytes=said.other,
    )


def _beside(said: Said, budget: float) -> int | None:
    """Return the activations: as they were said, else what the budget lacks beside weights and cache."""
    if said.activation is not None:
        return said.activation
    if said.weights is None or said.cache is None:
        return None
    return max(0, int(budget) - said.weights - said.cache)


def starts_of(
    lock: Lock, need: Need, gpus: Mapping[str, GpuModel], logs: Mapping[str, Sequence[str]], at: datetime
) -> list[EngineStart]:
    """Return what is to be learned from the logs of hosts, whose GPUs are known by the hosts' names."""
    found = [
        start_of(lock, need, gpus[host], host, lines, at) for host, lines in logs.items() if host in gpus
    ]
    return [one for one in found if one is not None]
