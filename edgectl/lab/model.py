"""A tiny Llama model with random weights, made offline: the same seed gives the same file, byte for byte.

Two blocks, 64 wide, 305 tokens, about half a megabyte. It says nothing sensible, but tokenizing, prefill,
decoding and streaming are the engine's own.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgectl.errors import MissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCKS, _WIDTH, _FEED_FORWARD, _HEADS, _CONTEXT = 2, 64, 128, 4, 4096
_UNKNOWN, _START, _END = 0, 1, 2
_NORMAL_TYPE, _UNKNOWN_TYPE, _CONTROL_TYPE, _BYTE_TYPE = 1, 2, 3, 6
_BYTES = 256
_WORDS = "the of edge node rack fleet model token site light water stone river cloud seven green north bread"
_CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
_BIAS = 1.0  # channel 0 of every embedding; a row of `output` reads it as a bias
_SUPPRESSED = -50.0


def write_model(path: Path, seed: int = 0) -> None:
    """Write the model to `path`. Raises `MissingError` where `edgectl[lab]` is not installed."""
    if importlib.util.find_spec("gguf") is None:
        raise MissingError("making the lab's model needs the package gguf", hint="pip install 'edgectl[lab]'")
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    _describe(writer, seed)
    vocabulary = _vocabulary()
    _add_tokenizer(writer, vocabulary)
    for name, tensor in _tensors(len(vocabulary), seed):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: Any, seed: int) -> None:
    writer.add_name(f"edgectl lab model {seed}")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_BLOCKS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)


def _vocabulary() -> list[tuple[str, float, int]]:
    """Return (token, score, type): specials, all bytes, then the letters and words a prompt is cut into."""
    specials = [("<unk>", 0.0, _UNKNOWN_TYPE), ("<s>", 0.0, _CONTROL_TYPE), ("</s>", 0.0, _CONTROL_TYPE)]
    raw = [(f"<0x{number:02X}>", 0.0, _BYTE_TYPE) for number in range(_BYTES)]
    texts = ["▁", *"abcdefghijklmnopqrstuvwxyz", *(f"▁{word}" for word in _WORDS.split())]
    return specials + raw + [(text, -float(place), _NORMAL_TYPE) for place, text in enumerate(texts, start=1)]


def _add_tokenizer(writer: Any, vocabulary: list[tuple[str, float, int]]) -> None:
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _, _ in vocabulary])
    writer.add_token_scores([score for _, score, _ in vocabulary])
    writer.add_token_types([kind for _, _, kind in vocabulary])
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_bos_token_id(_START)
    writer.add_eos_token_id(_END)
    writer.add_chat_template(_CHAT_TEMPLATE)


def _tensors(tokens: int, seed: int) -> list[tuple[str, NDArray[np.float32]]]:
    import numpy as np

    random = np.random.default_rng(seed)

    def weights(*shape: int) -> NDArray[np.float32]:
        return random.normal(0.0, 0.5, shape).astype(np.float32)

    ones = np.ones(_WIDTH, dtype=np.float32)
    embedding, output = weights(tokens, _WIDTH), weights(tokens, _WIDTH)
    embedding[:, 0] = _BIAS
    # Special tokens and raw bytes are never chosen: no early end, no broken UTF-8 in what a client reads.
    output[: _BYTES + _END + 1, 0] = _SUPPRESSED
    found = [("token_embd.weight", embedding), ("output_norm.weight", ones), ("output.weight", output)]
    for block in range(_BLOCKS):
        found += [(f"blk.{block}.{name}.weight", ones) for name in ("attn_norm", "ffn_norm")]
        found += [(f"blk.{block}.{name}.weight", weights(_WIDTH, _WIDTH) * np.float32(0.1))
                  for name in ("attn_q", "attn_k", "attn_v", "attn_output")]  # fmt: skip
        found += [
            (f"blk.{block}.{name}.weight", weights(_FEED_FORWARD, _WIDTH) * np.float32(0.1))
            for name in ("ffn_gate", "ffn_up")
        ]
        found.append((f"blk.{block}.ffn_down.weight", weights(_WIDTH, _FEED_FORWARD) * np.float32(0.1)))
    for _, tensor in found:
        if tensor.shape in {(_WIDTH, _WIDTH), (_WIDTH, _FEED_FORWARD)}:
            tensor[0, :] = 0.0  # nothing writes to channel 0 of the residual stream, which carries the bias
    return found
