"""What serves the model: the engine, the GPUs it gets, and where and how much it serves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StrictStr, field_validator, model_validator

from edgectl.ops.deploy.spec_words import Scalar, Strict

_IMAGE = re.compile(
    r"^[a-z0-9][a-z0-9._-]*(?::\d+)?(?:/[a-z0-9._-]+)+(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$"
)


class EngineKind(StrEnum):
    """The engines whose units edgectl renders; CUSTOM is any program that speaks the OpenAI API."""

    VLLM = "vllm"
    SGLANG = "sglang"
    TENSORRT_LLM = "tensorrt-llm"
    LLAMA_CPP = "llama.cpp"
    CUSTOM = "custom"


class Runtime(StrEnum):
    """What runs the engine: a program of the node under systemd, or a container that a quadlet describes."""

    SYSTEMD = "systemd"
    QUADLET = "quadlet"


class Front(StrEnum):
    """What clients talk to: HAProxy before the engine, or the engine itself."""

    HAPROXY = "haproxy"
    NONE = "none"


class KvDtype(StrEnum):
    """What a key or a value in the cache is stored as; AUTO is the model's own type."""

    AUTO = "auto"
    FP8 = "fp8"
    FP8_DS_MLA = "fp8_ds_mla"
    NVFP4 = "nvfp4"
    INT8_PER_TOKEN_HEAD = "int8_per_token_head"  # noqa: S105 - no password
    FP8_PER_TOKEN_HEAD = "fp8_per_token_head"  # noqa: S105


# What each engine calls a cache of 8 bits; the others of KvDtype are vLLM's alone.
FP8_NAMES: Mapping[EngineKind, str] = {
    EngineKind.VLLM: "fp8",
    EngineKind.SGLANG: "fp8_e4m3",
    EngineKind.LLAMA_CPP: "q8_0",
}


class Engine(Strict):
    """What serves the model.

    `command` is the program on the node, or what the image runs; `args` are passed as --name value. A custom
    engine gets `argv` word by word, where {model}, {address} and {port} are filled in. `allow` names dangerous
    options that are used all the same, and why.
    """

    kind: EngineKind
    runtime: Runtime = Runtime.SYSTEMD
    command: StrictStr = ""
    image: StrictStr = ""
    args: dict[str, Scalar] = Field(default_factory=dict)
    argv: list[StrictStr] = Field(default_factory=list)
    environment: dict[str, str] = Field(default_factory=dict)
    allow: dict[str, StrictStr] = Field(default_factory=dict)

    @field_validator("image")
    @classmethod
    def _an_image(cls, value: str) -> str:
        registry = value.partition("/")[0]
        if value and not (_IMAGE.match(value) and {".", ":"} & set(registry.replace("localhost", "."))):
            raise ValueError(f"an image is REGISTRY/NAME@sha256:… or REGISTRY/NAME:TAG, not '{value}'")
        return value

    @model_validator(mode="after")
    def _runs_something(self) -> Self:
        match self.runtime:
            case Runtime.SYSTEMD if not self.command or self.image:
                raise ValueError("a systemd unit runs a 'command' of the node, and no 'image'")
            case Runtime.QUADLET if not self.image:
                raise ValueError("a quadlet runs an 'image'")
        if self.argv and self.kind is not EngineKind.CUSTOM:
            raise ValueError(f"'argv' is for custom engines; {self.kind} takes 'args'")
        return self

    @property
    def is_pinned(self) -> bool:
        """Tell whether what runs is named by a digest, as far as an image does."""
        return not self.image or "@sha256:" in self.image


class Gpus(Strict):
    """The GPUs that one replica gets on its host.

    `sku` are names of the hardware catalogue, [] for any. `mig` is a slice's profile (1g.24gb), '' for whole GPUs.
    `uuid` names GPUs (GPU-…) or slices (MIG-…) where the choice is not to be made for you. `count` is how many
    in all: `data` copies of the model, each in `pipeline` stages, each layer on `tensor` of them.
    """

    sku: list[StrictStr] = Field(default_factory=list)
    count: Annotated[int, Field(ge=0, le=64)] = 1
    mig: Annotated[str, Field(pattern=r"^(?:\d+g\.\d+gb)?$")] = ""
    uuid: list[Annotated[str, Field(pattern=r"^(?:GPU|MIG)-[0-9A-Za-z/-]+$")]] = Field(default_factory=list)
    pipeline: Annotated[int, Field(ge=1)] = 1
    data: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.count % (self.pipeline * self.data):
            said = f"{self.data} copies of {self.pipeline} stages"
            raise ValueError(f"{self.count} GPUs cannot be shared out among {said}")
        if self.uuid and len(self.uuid) != self.count:
            raise ValueError(f"'uuid' names {len(self.uuid)} of {self.count} GPUs")
        return self

    @property
    def tensor(self) -> int:
        """How many GPUs share each layer."""
        return max(1, self.count // (self.pipeline * self.data))


class Target(Strict):
    """What the service must carry on one replica: requests at once, and their mean length in tokens."""

    concurrency: Annotated[int, Field(ge=1)] = 1
    mean_in: Annotated[int, Field(ge=1)] = 1500
    mean_out: Annotated[int, Field(ge=1)] = 300


class Serve(Strict):
    """Where it answers on each node, and how much.

    `paths` is what the front lets through, all below each of them. `memory_share` is how much of a GPU's memory the
    engine may take. None: as the engine's `args` say, else as it would without us.
    """

    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    front: Front = Front.HAPROXY
    paths: list[Annotated[str, Field(pattern="^/")]] = Field(default=["/v1/"], min_length=1)
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    kv_cache_dtype: KvDtype | None = None
    memory_share: Annotated[float, Field(ge=0.1, le=0.98)] | None = None
    target: Target | None = None
