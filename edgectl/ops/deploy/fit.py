"""Whether a service fits a GPU before a byte of it is shipped, by how much, and what would. Pure.

budget = memory x share; weights + cache + overhead must be within. The cache must hold one request of full length,
which engines demand at their start, and as many mean ones as the service is to carry at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from edgectl.catalog.engines import ENGINES, Shares
from edgectl.catalog.models import ModelFacts
from edgectl.engine.service_records import EngineStart
from edgectl.ops.deploy.engine_words import slots
from edgectl.ops.deploy.kv import Cache, longest, request_bytes
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_engine import EngineKind, KvDtype
from edgectl.ops.deploy.spec_sources import Contents

GIB = 2**30
MIB = 2**20
# Requests come unevenly: what is running at once is now and then a tenth longer than its mean.
_UNEVEN = 1.1
# Where no start is on record: the activations that vLLM reported for Llama-2-7B (2.38 GiB,
# gateway-api-inference-extension PR 550), the middle of what CUDA graphs take (0.5 to 3 GiB) and of what CUDA and
# NCCL take outside of PyTorch (0.2 to 1 GiB).
ASSUMED_BYTES = int((2.38 + 1.5 + 0.6) * GIB)
# Beside the new release's bytes something must be left for logs, journals and whoever else lives there.
_DISK_MARGIN = 1.1
_WEIGHTS = (".safetensors", ".gguf", ".bin", ".pt", ".pth")
_KV_NAMES = {
    "fp8_e4m3": KvDtype.FP8,
    "fp8_e5m2": KvDtype.FP8,
    "q8_0": KvDtype.FP8,
    "bfloat16": KvDtype.AUTO,
    "f16": KvDtype.AUTO,
}


@dataclass(frozen=True, slots=True)
class Need:
    """What a service asks of one GPU, in bytes and tokens; `model` is None where nothing is known of it.

    `length` is the longest request, `requests` how many run at once on one copy, `mean` their mean length.
    """

    model: ModelFacts | None
    cache: Cache
    shares: Shares
    share: float
    weights_bytes: int
    disk_bytes: int
    length: int
    requests: int
    mean: int
    gpus: int
    mig: str = ""


@dataclass(frozen=True, slots=True)
class Overhead:
    """What an engine takes beside weights and cache, in bytes, and how that is known."""

    size_bytes: int
    said: str


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether it fits, in bytes per GPU: `spare_bytes` is what is left over, negative where it lacks.

    `length` is the longest request that would fit and `requests` how many mean ones; `times` is how many of full
    length. None where nothing is known of the model.
    """

    fits: bool
    memory_bytes: int
    budget_bytes: int
    weights_bytes: int
    overhead: Overhead
    cache_bytes: int
    spare_bytes: int
    length: int | None = None
    requests: int | None = None
    times: float | None = None


def need_of(lock: Lock) -> Need:
    """Return what a locked service asks for, by its own words first, then the engine's arguments and defaults."""
    spec, engine = lock.spec, ENGINES[lock.spec.engine.kind.value]
    target = spec.serve.target
    known = lock.facts.context if lock.facts else 0
    said = (spec.serve.max_model_len or 0) * slots(spec)
    length = said or _number(spec, engine.length) or known
    share = spec.serve.memory_share or _fraction(spec, engine.share_option) or engine.share
    cache = Cache(
        _kv_dtype(spec),
        engine.block,
        _number(spec, engine.tensor) or spec.gpus.tensor,
        _number(spec, engine.pipeline) or spec.gpus.pipeline,
        _number(spec, engine.batched_option) or engine.batched,
    )
    contents = [spec.model, *spec.model.lora]
    return Need(
        model=lock.facts if spec.engine.kind is not EngineKind.CUSTOM else None,
        cache=cache,
        shares=engine.shares,
        share=share,
        weights_bytes=sum(map(_weights_bytes, contents)),
        disk_bytes=sum(file.size or 0 for one in contents for file in one.files),
        length=length,
        requests=math.ceil(target.concurrency / spec.gpus.data) if target else 0,
        mean=target.mean_in + target.mean_out if target else 0,
        gpus=spec.gpus.count,
        mig=spec.gpus.mig,
    )


def _weights_bytes(contents: Contents) -> int:
    return sum(file.size or 0 for file in contents.files if file.file_name.endswith(_WEIGHTS))


def _number(spec: ServiceSpec, name: str) -> int:
    return int(_fraction(spec, name))


def _fraction(spec: ServiceSpec, name: str) -> float:
    """Return an engine's numeric argument, 0 where it is not there."""
    value = _argument(spec, name)
    try:
        return float(value) if value is not None else 0.0
    except ValueError:
        return 0.0


def _argument(spec: ServiceSpec, name: str) -> str | None:
    if not name:
        return None
    plain = {key.replace("_", "-"): value for key, value in spec.engine.args.items()}
    value = plain.get(name.replace("_", "-"))
    return None if value is None else str(value)


def _kv_dtype(spec: ServiceSpec) -> KvDtype:
    if spec.serve.kv_cache_dtype is not None:
        return spec.serve.kv_cache_dtype
    said = _argument(spec, ENGINES[spec.engine.kind.value].kv) or "auto"
    known = {dtype.value: dtype for dtype in KvDtype} | _KV_NAMES
    return known.get(said, KvDtype.AUTO)


def overhead(starts: Sequence[EngineStart], sku: str, mig: str = "") -> Overhead:
    """Return what an engine is expected to take on a GPU: the most it took there before, else what is assumed."""
    taken = [_taken(start) for start in starts if (start.sku, start.mig) == (sku, mig)]
    known = [size for size in taken if size is not None]
    if not known:
        return Overhead(ASSUMED_BYTES, "assumed; no start on record")
    plural = "start" if len(known) == 1 else "starts"
    return Overhead(max(known), f"the most of {len(known)} {plural}")


def _taken(start: EngineStart) -> int | None:
    if start.activation_bytes is None:
        return None
    return start.activation_bytes + (start.graphs_bytes or 0) + (start.other_bytes or 0)


def fit(need: Need, memory_bytes: int, beside: Overhead) -> Fit:
    """Return whether a service fits a GPU with so much memory."""
    weights = math.ceil(need.weights_bytes / (need.cache.tensor * need.cache.pipeline))
    room = _room(need, memory_bytes, weights, beside.size_bytes)
    wanted = cache_bytes(need)
    spare = math.floor(room - wanted)
    figures = _what_would(need, room)
    return Fit(
        fits=spare >= 0,
        memory_bytes=memory_bytes,
        budget_bytes=math.floor(memory_bytes * need.share),
        weights_bytes=weights,
        overhead=beside,
        cache_bytes=wanted,
        spare_bytes=spare,
        length=figures[0],
        requests=figures[1],
        times=figures[2],
    )


def cache_bytes(need: Need) -> int:
    """Return how large the cache of each GPU must be."""
    if need.model is None:
        return 0
    one = request_bytes(need.model, need.cache, need.length)
    return max(one, math.ceil(need.requests * request_bytes(need.model, need.cache, need.mean) * _UNEVEN))


def _room(need: Need, memory: int, weights: int, beside: int) -> float:
    """Return what is left for the cache."""
    match need.shares:
        case Shares.ALL:
            return memory * need.share - weights - beside
        case Shares.STATIC:
            return min(memory * need.share - weights, memory - weights - beside)
        case Shares.FREE:
            return (memory - weights - beside) * need.share
        case _:
            assert_never(need.shares)


def _what_would(need: Need, room: float) -> tuple[int | None, int | None, float | None]:
    model = need.model
    if model is None or not need.length:
        return None, None, None
    most = longest(model, need.cache, room, max(need.length, model.context))
    mean = request_bytes(model, need.cache, need.mean) * _UNEVEN if need.mean else 0
    requests = max(0, int(room // mean)) if mean else None
    return most, requests, max(0.0, room) / request_bytes(model, need.cache, need.length)


def disk_needed(need: Need) -> int:
    """Return how many bytes must be free on disk for a release of which nothing is there yet."""
    return math.ceil(need.disk_bytes * _DISK_MARGIN)
