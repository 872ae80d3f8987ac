"""What parts of a specification cannot both be meant, or an engine cannot do. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from edgectl.catalog.engines import ENGINES
from edgectl.ops.deploy.safety import Unsafe
from edgectl.ops.deploy.spec_engine import FP8_NAMES, Engine, EngineKind, Front, Gpus, KvDtype, Runtime, Serve
from edgectl.ops.deploy.spec_sources import Model

_WITH_ADAPTERS = (EngineKind.VLLM, EngineKind.SGLANG, EngineKind.LLAMA_CPP)


def contradictions(model: Model, engine: Engine, gpus: Gpus, serve: Serve) -> Iterator[Unsafe]:
    """Yield where, what, and what to write instead."""
    yield from _said_twice(engine, serve, gpus)
    yield from _no_such_cache(engine, serve)
    if engine.kind is EngineKind.VLLM and engine.runtime is Runtime.SYSTEMD and gpus.uuid:
        yield (
            ("gpus", "uuid"),
            "vLLM crashes on a UUID in CUDA_VISIBLE_DEVICES (vllm-project/vllm issue 41848); use runtime: quadlet",
        )
    if engine.runtime is Runtime.QUADLET and serve.front is Front.NONE:
        yield ("serve", "front"), "a container is put into force behind a front alone; leave it out"
    if model.lora and engine.kind not in _WITH_ADAPTERS:
        yield (
            ("model", "lora"),
            f"edgectl serves no adapters with {engine.kind}; {', '.join(_WITH_ADAPTERS)} can",
        )


def _said_twice(engine: Engine, serve: Serve, gpus: Gpus) -> Iterator[Unsafe]:
    names = ENGINES[engine.kind.value]
    own = {
        names.length: ("serve.max_model_len", serve.max_model_len),
        names.share_option: ("serve.memory_share", serve.memory_share),
        names.kv: ("serve.kv_cache_dtype", serve.kv_cache_dtype),
        names.tensor: ("gpus", gpus.count > 1),
        names.pipeline: ("gpus.pipeline", gpus.pipeline > 1),
        names.data: ("gpus.data", gpus.data > 1),
    }
    by_name = {option.replace("_", "-"): said for option, said in own.items() if option}
    for name in engine.args:
        where, value = by_name.get(name.replace("_", "-"), ("", None))
        if value:
            yield ("engine", "args", name), f"'{name}' is said by {where} already; say it once"


def _no_such_cache(engine: Engine, serve: Serve) -> Iterator[Unsafe]:
    dtype = serve.kv_cache_dtype
    if dtype in (None, KvDtype.AUTO) or engine.kind is EngineKind.VLLM:
        return
    if dtype is not KvDtype.FP8 or engine.kind not in FP8_NAMES:
        yield ("serve", "kv_cache_dtype"), f"edgectl knows no way to ask {engine.kind} for a cache of {dtype}"
