"""What the engines call the same things, and what they do where nobody says anything.

Sources: vLLM's engine arguments (docs.vllm.ai, 0.18), SGLang's server arguments (docs.sglang.io), TensorRT-LLM's
trtllm-serve (nvidia.github.io/TensorRT-LLM, 1.1), llama.cpp's tools/server/README.md.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from edgectl.complaints import validate
from edgectl.yaml_source import load


class Shares(StrEnum):
    """What an engine's share of the memory is a share of."""

    ALL = "all"  # everything it takes
    STATIC = "static"  # weights and cache; the rest is for what it computes
    FREE = "free"  # the cache alone, of what the others leave


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """An engine's option names ('' where it has none) and defaults; `key` is the variable of the key it wants.

    `share` is how much of a GPU's memory it takes, in the sense of `shares`; a block of its cache holds `block` tokens,
    and it computes `batched` tokens at once.
    """

    length: str = ""
    share_option: str = ""
    kv: str = ""
    tensor: str = ""
    pipeline: str = ""
    data: str = ""
    batched_option: str = ""
    key: str = ""
    share: float = 0.9
    shares: Shares = Shares.ALL
    block: int = 16
    batched: int = 8192


ENGINES: Mapping[str, EngineFacts] = {
    "vllm": EngineFacts(
        length="max-model-len",
        share_option="gpu-memory-utilization",
        kv="kv-cache-dtype",
        tensor="tensor-parallel-size",
        pipeline="pipeline-parallel-size",
        data="data-parallel-size",
        batched_option="max-num-batched-tokens",
        key="VLLM_API_KEY",
    ),
    "sglang": EngineFacts(
        length="context-length",
        share_option="mem-fraction-static",
        kv="kv-cache-dtype",
        tensor="tp-size",
        pipeline="pp-size",
        data="dp-size",
        batched_option="chunked-prefill-size",
        shares=Shares.STATIC,
        block=1,
    ),
    "tensorrt-llm": EngineFacts(
        length="max_seq_len",
        share_option="kv_cache_free_gpu_memory_fraction",
        tensor="tp_size",
        pipeline="pp_size",
        batched_option="max_num_tokens",
        shares=Shares.FREE,
        block=32,
    ),
    # It asks for memory as it needs it; the share is what is left beside a display or another small process.
    "llama.cpp": EngineFacts(
        length="ctx-size",
        batched_option="batch-size",
        key="LLAMA_API_KEY",
        share=0.97,
        block=256,
        batched=2048,
    ),
    "custom": EngineFacts(),
}


class DangerousFlag(BaseModel):
    """An option or a variable that a service must not have; see `engine_flags.yaml`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    engines: list[str]
    where: Literal["args", "environment"]
    name: str
    why: str
    instead: str
    source: str
    values: list[str] = Field(default_factory=list)
    allowable: bool = False

    def is_meant(self, engine: str, name: str, value: object) -> bool:
        """Tell whether an engine's option is this one. One that is switched off is not."""
        is_named = _plain(name) == _plain(self.name) and engine in self.engines
        return is_named and value is not False and (not self.values or str(value) in self.values)


def _plain(name: str) -> str:
    return name.lstrip("-").replace("_", "-").lower()


@functools.cache
def dangerous_flags() -> tuple[DangerousFlag, ...]:
    """Return the table that comes with edgectl."""
    path = Path(str(resources.files("edgectl.catalog").joinpath("engine_flags.yaml")))
    document = load(path)
    return tuple(
        validate(DangerousFlag, document, row, (number,)) for number, row in enumerate(document.value)
    )


class EngineProfile(BaseModel):
    """What an engine gets on a kind of GPU; see `engine_profiles.yaml`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    engines: list[str]
    skus: list[str]
    why: str
    source: str
    several: bool = False
    args: dict[str, str | int | float | bool] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)


@functools.cache
def engine_profiles() -> tuple[EngineProfile, ...]:
    """Return the table that comes with edgectl."""
    path = Path(str(resources.files("edgectl.catalog").joinpath("engine_profiles.yaml")))
    document = load(path)
    return tuple(
        validate(EngineProfile, document, row, (number,)) for number, row in enumerate(document.value)
    )


def known_skus() -> list[str]:
    """Return the GPUs on which some engine gets what it does not get elsewhere."""
    return sorted({sku for row in engine_profiles() for sku in row.skus})


def profiles_for(engine: str, sku: str, *, gpus: int) -> tuple[EngineProfile, ...]:
    """Return the rows for an engine on so many GPUs of a kind."""
    return tuple(
        one
        for one in engine_profiles()
        if engine in one.engines and sku in one.skus and (gpus > 1 or not one.several)
    )
