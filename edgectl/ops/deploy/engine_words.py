"""Each engine's command line and environment: what a specification asks for, in the engine's own words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from edgectl.catalog.engines import ENGINES, profiles_for
from edgectl.ops.deploy.adapters import adapters_of, folder_name, loader_of, seen_at
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_engine import FP8_NAMES, EngineKind, KvDtype
from edgectl.ops.deploy.spec_words import ScalarValue

# vLLM drains for as long as it is told (vLLM PR #34730); whoever stops it must wait longer before it kills.
VLLM_DRAIN_S = 120
# Nothing is fetched at a start, and nobody is told of it.
_QUIET: Mapping[EngineKind, Mapping[str, str]] = {
    EngineKind.VLLM: {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"},
    EngineKind.SGLANG: {"HF_HUB_OFFLINE": "1"},
    EngineKind.TENSORRT_LLM: {"HF_HUB_OFFLINE": "1"},
    EngineKind.LLAMA_CPP: {},
    EngineKind.CUSTOM: {},
}


def words(spec: ServiceSpec, *, folder: str, address: str, port: int | str, sku: str) -> list[str]:
    """Return what follows the engine's program. `folder` is the release's, where model/ is."""
    given = _profile_args(spec, sku) | _asked(spec) | spec.engine.args
    return [*_first(spec, folder, address, port), *_options(given)]


def _first(spec: ServiceSpec, folder: str, address: str, port: int | str) -> list[str]:
    model, name = f"{folder}/model", spec.model.name
    where = ["--host", address, "--port", str(port)]
    match spec.engine.kind:
        case EngineKind.LLAMA_CPP:
            return ["--model", f"{model}/{spec.model.files[0].file_name}", "--alias", name, *where]
        case EngineKind.VLLM:
            drain = ["--shutdown-timeout", str(VLLM_DRAIN_S)]
            return ["serve", model, "--served-model-name", name, *where, *drain]
        case EngineKind.SGLANG:
            return ["serve", "--model-path", model, "--served-model-name", name, *where, "--enable-metrics"]
        case EngineKind.TENSORRT_LLM:
            return ["serve", model, "--served_model_name", name, *where, "--backend", "pytorch"]
        case EngineKind.CUSTOM:
            filled = {"{model}": model, "{address}": address, "{port}": str(port)}
            return [_filled(word, filled) for word in spec.engine.argv]
        case _:
            assert_never(spec.engine.kind)


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _asked(spec: ServiceSpec) -> dict[str, ScalarValue]:
    """Return what `serve`, `gpus` and `model.lora` ask for, as the engine's options."""
    engine, serve = ENGINES[spec.engine.kind.value], spec.serve
    said: dict[str, ScalarValue] = {}
    if engine.length and serve.max_model_len:
        said[engine.length] = serve.max_model_len * slots(spec)
    if engine.share_option and serve.memory_share:
        said[engine.share_option] = serve.memory_share
    parallel = {
        engine.tensor: spec.gpus.tensor,
        engine.pipeline: spec.gpus.pipeline,
        engine.data: spec.gpus.data,
    }
    said |= {option: count for option, count in parallel.items() if option and count > 1}
    return said | _cache_type(spec) | _adapters(spec)


def slots(spec: ServiceSpec) -> int:
    """Return among how many requests an engine's length is shared out: llama.cpp's, that is; others' is of each."""
    is_shared = spec.engine.kind is EngineKind.LLAMA_CPP
    return int(spec.engine.args.get("parallel", 1)) if is_shared else 1


def _cache_type(spec: ServiceSpec) -> dict[str, ScalarValue]:
    dtype, kind = spec.serve.kv_cache_dtype, spec.engine.kind
    if dtype in (None, KvDtype.AUTO):
        return {}
    value = FP8_NAMES.get(kind, "") if dtype is KvDtype.FP8 else str(dtype)
    if kind is EngineKind.LLAMA_CPP:
        return {"cache-type-k": value, "cache-type-v": value}
    option = ENGINES[kind.value].kv
    return {option: value} if option else {}


def _adapters(spec: ServiceSpec) -> dict[str, ScalarValue]:
    lora, folder = spec.model.lora, seen_at(spec)
    paths = " ".join(f"{one['name']}={one['path']}" for one in adapters_of(spec))
    rank = max((one.rank for one in lora), default=0)
    match spec.engine.kind:
        case _ if not lora:
            return {}
        case EngineKind.VLLM:
            return {"enable-lora": True, "max-lora-rank": rank, "lora-modules": paths}
        case EngineKind.SGLANG:
            return {"enable-lora": True, "max-lora-rank": rank, "lora-paths": paths}
        case EngineKind.LLAMA_CPP:
            return {"lora": ",".join(f"{folder}/{folder_name(one)}/{one.files[0].file_name}" for one in lora)}
        case _:
            return {}


def _profile_args(spec: ServiceSpec, sku: str) -> dict[str, ScalarValue]:
    rows = profiles_for(spec.engine.kind.value, sku, gpus=spec.gpus.count)
    return {name: value for row in rows for name, value in row.args.items()}


# Options that take several words, which must stay words.
_MANY = ("lora-modules", "lora-paths")


def _options(args: Mapping[str, ScalarValue]) -> Iterator[str]:
    for name, value in args.items():
        if value is False:
            continue
        yield f"--{name}"
        if name in _MANY:
            yield from str(value).split()
        elif value is not True:
            yield str(value)


def environment(spec: ServiceSpec, sku: str) -> dict[str, str]:
    """Return the engine's variables, without secrets: what keeps it quiet, what the GPU wants, what was asked for."""
    rows = profiles_for(spec.engine.kind.value, sku, gpus=spec.gpus.count)
    profile = {name: value for row in rows for name, value in row.environment.items()}
    return {**_QUIET[spec.engine.kind], **_updating(spec), **profile, **spec.engine.environment}


def _updating(spec: ServiceSpec) -> dict[str, str]:
    """Let vLLM take adapters while it runs: on the loopback, where the front hands nobody on to those paths."""
    is_vllm = loader_of(spec) == EngineKind.VLLM.value
    return {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"} if is_vllm else {}
