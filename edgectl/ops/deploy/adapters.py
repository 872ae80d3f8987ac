"""LoRA adapters: where they lie on a node, and which engines take them up and let go of them while they run. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_engine import EngineKind, Front, Runtime
from edgectl.ops.deploy.spec_sources import Lora
from edgectl.ops.deploy.spec_words import ScalarValue

_DIGITS = 12
# What stands in a unit for the folder of a service's adapters, and where a container sees that folder.
FOLDER, INSIDE = "{adapters}", "/adapters"
# vLLM: docs.vllm.ai, features/lora; SGLang: docs.sglang.io, advanced_features/lora. llama.cpp takes adapters at its
# start alone, and TensorRT-LLM has no such paths.
_WHILE_RUNNING = (EngineKind.VLLM, EngineKind.SGLANG)


def folder_name(one: Lora) -> str:
    """Return an adapter's folder: named by its content, so that releases share it and none moves it."""
    named = sorted([file.file_name, file.sha256] for file in one.files)
    return f"{one.name}-{hashlib.sha256(json.dumps(named).encode()).hexdigest()[:_DIGITS]}"


def seen_at(spec: ServiceSpec) -> str:
    """Return the folder of the adapters as the engine sees it."""
    return INSIDE if spec.engine.runtime is Runtime.QUADLET else FOLDER


def has_adapters(spec: ServiceSpec) -> bool:
    """Tell whether the engine is started so that it can serve adapters."""
    return bool(spec.model.lora) or spec.engine.args.get("enable-lora") is True


def loader_of(spec: ServiceSpec) -> str:
    """Return whose way of loading adapters the engine has while it runs, '' where it has none.

    Only behind a front, which refuses those paths: whoever reaches them may make the engine read any file it can.
    """
    may = spec.engine.kind in _WHILE_RUNNING and spec.serve.front is Front.HAPROXY and has_adapters(spec)
    return spec.engine.kind.value if may else ""


def adapters_of(spec: ServiceSpec) -> Sequence[dict[str, str]]:
    """Return each adapter's name, its path as the engine sees it, and what clients ask for."""
    prefix = f"{spec.model.name}:" if spec.engine.kind is EngineKind.SGLANG else ""
    folder = seen_at(spec)
    return [
        {"name": one.name, "path": f"{folder}/{folder_name(one)}", "model": f"{prefix}{one.name}"}
        for one in spec.model.lora
    ]


def without_adapters(spec: ServiceSpec) -> ServiceSpec:
    """Return the engine as it runs whichever adapters it has: able to take them, of a rank that it cannot change."""
    rank = max((one.rank for one in spec.model.lora), default=0)
    able: dict[str, ScalarValue] = {"enable-lora": True, "max-lora-rank": rank} if rank else {}
    engine = spec.engine.model_copy(update={"args": {**able, **spec.engine.args}})
    return spec.model_copy(update={"engine": engine, "model": spec.model.model_copy(update={"lora": []})})
