"""What a model's own files say about the memory that serving it takes. Pure; the formulas are in ops/deploy/kv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class LayerKind(StrEnum):
    """What a layer keeps of the tokens before."""

    FULL = "full"  # keys and values of every token
    SLIDING = "sliding"  # of a window
    LATENT = "latent"  # one compressed vector per token (MLA), the same on each GPU
    STATE = "state"  # a state of constant size (Mamba, linear attention)


@dataclass(frozen=True, slots=True)
class Layers:
    """So many layers alike.

    `heads` are the key-value heads, `key` and `value` the elements of each; of a latent layer `key` is the whole
    vector. `window` is in tokens, `state_bytes` per request.
    """

    kind: LayerKind
    count: int
    heads: int = 1
    key: int = 0
    value: int = 0
    window: int = 0
    state_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What counts of a model; `element_bytes` is of its own type, `context` the longest request it was made for."""

    architecture: str
    layers: tuple[Layers, ...]
    context: int
    element_bytes: float = 2.0

    def written(self) -> dict[str, Any]:
        """Return it as plain data, for a lock."""
        return {
            "architecture": self.architecture,
            "context": self.context,
            "element_bytes": self.element_bytes,
            "layers": [
                {"kind": layers.kind.value, **{k: v for k, v in asdict(layers).items() if k != "kind" and v}}
                for layers in self.layers
            ],
        }


def facts_from(written: Mapping[str, Any]) -> ModelFacts:
    """Return what `ModelFacts.written` wrote."""
    layers = [Layers(**{**one, "kind": LayerKind(one["kind"])}) for one in written["layers"]]
    return ModelFacts(
        written["architecture"], tuple(layers), written["context"], float(written["element_bytes"])
    )


_ELEMENT_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
_SLIDING = {"sliding_attention", "chunked_attention"}
_STATE_BYTES = 4  # such states are kept in float32


def facts_of_config(config: Mapping[str, Any]) -> ModelFacts | None:
    """Read a `config.json` of transformers; None where it does not say what is needed."""
    text = {**config, **config.get("text_config", {})}
    count = text.get("num_hidden_layers")
    heads = text.get("num_attention_heads")
    if not count or not heads:
        return None
    kinds = Counter(_kinds(text, count))
    return ModelFacts(
        architecture=str((config.get("architectures") or [config.get("model_type", "")])[0]),
        layers=tuple(_layers(text, kind, number) for kind, number in sorted(kinds.items())),
        context=int(text.get("max_position_embeddings") or 0),
        element_bytes=_ELEMENT_BYTES.get(str(text.get("dtype") or text.get("torch_dtype")), 2.0),
    )


def _kinds(text: Mapping[str, Any], count: int) -> Sequence[LayerKind]:
    if text.get("kv_lora_rank"):
        return [LayerKind.LATENT] * count
    if text.get("layer_types"):
        return [_kind(str(name)) for name in text["layer_types"]]
    window = text.get("sliding_window")
    if not window or text.get("use_sliding_window") is False:
        return [LayerKind.FULL] * count
    full = int(text.get("max_window_layers") or 0)  # Qwen2: the first layers see everything
    every = int(text.get("sliding_window_pattern") or 0)  # Gemma 3: so does one of so many
    return [
        LayerKind.FULL if number < full or (every and (number + 1) % every == 0) else LayerKind.SLIDING
        for number in range(count)
    ]


def _kind(name: str) -> LayerKind:
    if name in _SLIDING:
        return LayerKind.SLIDING
    return LayerKind.FULL if name == "full_attention" else LayerKind.STATE


def _layers(text: Mapping[str, Any], kind: LayerKind, count: int) -> Layers:
    heads = int(text.get("num_key_value_heads") or text["num_attention_heads"])
    size = int(text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"])
    match kind:
        case LayerKind.LATENT:
            return Layers(kind, count, key=int(text["kv_lora_rank"]) + int(text.get("qk_rope_head_dim") or 0))
        case LayerKind.STATE:
            return Layers(kind, count, state_bytes=_state_bytes(text))
        case LayerKind.SLIDING:
            window = int(text.get("sliding_window") or text.get("attention_chunk_size") or 0)
            return Layers(kind, count, heads, size, size, window)
        case LayerKind.FULL:
            return Layers(kind, count, heads, size, size)


def _state_bytes(text: Mapping[str, Any]) -> int:
    """Return the state of one layer of linear attention: a matrix per value head, and the convolution's inputs."""
    value_heads = int(text.get("linear_num_value_heads") or 0)
    key_heads = int(text.get("linear_num_key_heads") or 0)
    key, value = int(text.get("linear_key_head_dim") or 0), int(text.get("linear_value_head_dim") or 0)
    convolved = (2 * key_heads * key + value_heads * value) * max(
        0, int(text.get("linear_conv_kernel_dim") or 1) - 1
    )
    return (value_heads * key * value + convolved) * _STATE_BYTES


def facts_of_gguf(header: Mapping[str, Any]) -> ModelFacts | None:
    """Read the metadata of a GGUF file; llama.cpp keeps keys and values as float16 unless told otherwise."""
    name = str(header.get("general.architecture", ""))

    def said(key: str, default: int = 0) -> int:
        value = header.get(f"{name}.{key}", default)
        return max(value) if isinstance(value, list) else int(value)

    count, heads = said("block_count"), said("attention.head_count")
    if not count or not heads:
        return None
    latent = said("attention.kv_lora_rank")
    if latent:
        layers = Layers(LayerKind.LATENT, count, key=latent + said("rope.dimension_count"))
    else:
        size = said("embedding_length") // heads
        layers = Layers(
            LayerKind.FULL,
            count,
            said("attention.head_count_kv", heads),
            said("attention.key_length", size),
            said("attention.value_length", size),
        )
    return ModelFacts(name, (layers,), said("context_length"))
