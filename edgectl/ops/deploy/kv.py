"""How many bytes of cache a request takes on each GPU. Pure.

Terms as in vLLM's vllm/v1/kv_cache_interface.py (commit 001cabc); proven by what vLLM itself printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgectl.catalog.models import LayerKind, Layers, ModelFacts
from edgectl.ops.deploy.spec_engine import KvDtype

# fp8_ds_mla: 512 elements of 8 bits, four float32 scales, 64 rotary elements of 16 bits.
_DS_MLA_BYTES = 656
_SCALE_BYTES = 4
_FP4_GROUP = 16


@dataclass(frozen=True, slots=True)
class Cache:
    """How an engine keeps keys and values: as what, in blocks of how many tokens, over how many GPUs."""

    dtype: KvDtype = KvDtype.AUTO
    block: int = 16
    tensor: int = 1
    pipeline: int = 1
    batched: int = 8192


def request_bytes(model: ModelFacts, cache: Cache, tokens: int) -> int:
    """Return what a request of so many tokens takes on the GPU that has the most."""
    whole = sum(layers.count * _layer_bytes(layers, model, cache, tokens) for layers in model.layers)
    return math.ceil(whole / cache.pipeline)


def bytes_per_token(model: ModelFacts, cache: Cache) -> float:
    """Return what each token more takes on a GPU, where it is kept for good."""
    kept = (layers for layers in model.layers if layers.kind in (LayerKind.FULL, LayerKind.LATENT))
    return sum(layers.count * _token_bytes(layers, model, cache) for layers in kept) / cache.pipeline


def longest(model: ModelFacts, cache: Cache, room_bytes: float, limit: int) -> int:
    """Return the longest request that the room holds, up to a limit; 0 where it holds none."""
    return _most(lambda tokens: request_bytes(model, cache, tokens) <= room_bytes, limit)


def _most(holds: Callable[[int], bool], limit: int) -> int:
    """Return the greatest number up to a limit for which something holds that holds for all below."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _layer_bytes(layers: Layers, model: ModelFacts, cache: Cache, tokens: int) -> float:
    match layers.kind:
        case LayerKind.STATE:
            return layers.state_bytes / cache.tensor
        case LayerKind.SLIDING:
            # A window may begin and end within a block, beside what is computed at once.
            kept = min(layers.window - 1 + cache.batched, tokens)
            return (math.ceil(kept / cache.block) + 1) * cache.block * _token_bytes(layers, model, cache)
        case LayerKind.FULL | LayerKind.LATENT:
            return math.ceil(tokens / cache.block) * cache.block * _token_bytes(layers, model, cache)


def _token_bytes(layers: Layers, model: ModelFacts, cache: Cache) -> float:
    if layers.kind is LayerKind.LATENT:  # every GPU has the whole of it
        is_packed = cache.dtype is KvDtype.FP8_DS_MLA
        return _DS_MLA_BYTES if is_packed else layers.key * _element_bytes(model, cache.dtype)
    heads = max(1, math.ceil(layers.heads / cache.tensor))
    return heads * _head_bytes(layers.key + layers.value, model, cache.dtype)


def _head_bytes(elements: int, model: ModelFacts, dtype: KvDtype) -> float:
    match dtype:
        case KvDtype.NVFP4:
            return elements / 2 + elements / _FP4_GROUP
        case KvDtype.INT8_PER_TOKEN_HEAD | KvDtype.FP8_PER_TOKEN_HEAD:
            return elements + 2 * _SCALE_BYTES
        case KvDtype.AUTO | KvDtype.FP8 | KvDtype.FP8_DS_MLA:
            return elements * _element_bytes(model, dtype)


def _element_bytes(model: ModelFacts, dtype: KvDtype) -> float:
    return model.element_bytes if dtype is KvDtype.AUTO else 1.0
