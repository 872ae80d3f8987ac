"""What is found out before a measurement: the model's name, and how many words make a token."""

from __future__ import annotations

import json
import time
from typing import Any

from edgectl.remote.bench.connection import Connection
from edgectl.remote.bench.failure import PROTOCOL, RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.prompts import WordCount, fitted, prompt
from edgectl.remote.bench.reply import read_reply
from edgectl.remote.bench.request import chat_request, head
from edgectl.remote.bench.target import Target, target_of

_NS = 1_000_000_000
_FEW_WORDS = 32
_MANY_WORDS = 160
_PROBE_TOKENS = 1


def model_name(load: Load) -> str:
    """Return the model to ask for: the one that was named, else the first that the server has.

    Raises `RequestFailed`.
    """
    if load.model:
        return load.model
    target = target_of(load.url)
    answer = _exchange(target, head(target, load, "GET", target.models_path, {}), load.timeout_s)
    try:
        return str(json.loads(answer)["data"][0]["id"])
    except (ValueError, LookupError, TypeError):
        raise RequestFailed(PROTOCOL, f"{target.models_path} names no model: give one") from None


def word_count(load: Load, model: str) -> WordCount:
    """Measure the server's tokenizer and chat template with two short prompts. Raises `RequestFailed`."""
    if not load.calibrate:
        return WordCount()
    few, many = (_prompt_tokens(load, model, words) for words in (_FEW_WORDS, _MANY_WORDS))
    if few is None or many is None:
        return WordCount()
    return fitted((_FEW_WORDS, few), (_MANY_WORDS, many))


def _prompt_tokens(load: Load, model: str, words: int) -> int | None:
    target = target_of(load.url)
    name = f"probe-{words}"
    request = chat_request(target, load, model, name, prompt(load.seed, name, words), _PROBE_TOKENS)
    connection = Connection(target)
    try:
        answer = connection.exchange(request, time.monotonic_ns() + round(load.timeout_s * _NS))
        return read_reply(answer).prompt_tokens
    finally:
        connection.close()


def _exchange(target: Target, request: bytes, timeout_s: float) -> Any:
    connection = Connection(target)
    try:
        answer = connection.exchange(request, time.monotonic_ns() + round(timeout_s * _NS))
    finally:
        connection.close()
    return b"".join(piece.payload for piece in answer.pieces)
