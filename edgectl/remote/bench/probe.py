"""What is found out before a measurement: the model's name, and how many words make a token."""

from __future__ import annotations

import json

from edgectl.remote.bench.failure import PROTOCOL, RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.once import exchange
from edgectl.remote.bench.prompts import Prompts, WordCount, fitted
from edgectl.remote.bench.reply import read_reply
from edgectl.remote.bench.request import Asked, chat_request, head
from edgectl.remote.bench.target import target_of

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
    answer = exchange(target, head(target, load, "GET", target.models_path, {}), load.timeout_s)
    try:
        return str(json.loads(answer.body)["data"][0]["id"])
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
    messages = [{"role": "user", "content": Prompts(load.seed).text(name, words)}]
    request = chat_request(target, load, model, Asked(name, messages, _PROBE_TOKENS))
    return read_reply(exchange(target, request, load.timeout_s)).prompt_tokens
