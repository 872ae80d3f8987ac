"""What each request says: made from a seed, or taken from a file of prompts; how long, and after which turns.

Requests are numbered; what number says depends on the seed and the number alone, whichever process sends it.
"""

from __future__ import annotations

import random
from typing import Any, Mapping, NamedTuple, Sequence

from edgectl.remote.bench.lengths import Lengths
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.prompts import Prompts, WordCount
from edgectl.remote.bench.request import Asked, chat_request
from edgectl.remote.bench.target import target_of

_NS = 1_000_000_000
Message = Mapping[str, str]


class _Lengths(NamedTuple):
    prompt: int
    output: int


class Workload:
    """Writes the requests of a load."""

    def __init__(self, load: Load, model: str, words: WordCount) -> None:
        self._load = load
        self._model = model
        self._words = words
        self._target = target_of(load.url)
        self._prompts = Prompts(load.seed)
        self._order: Sequence[int] = ()
        self.think_ns = round(load.think_s * _NS)
        self._prompt_lengths = Lengths(load.prompt_lengths) if load.prompt_lengths else None
        self._output_lengths = Lengths(load.output_lengths) if load.output_lengths else None
        if load.prompts:
            order = list(range(len(load.prompts)))
            random.Random(f"{load.seed}/order").shuffle(order)  # noqa: S311 - reproducible on purpose
            self._order = order

    def turns(self, number: int) -> int:
        """Return how many turns a conversation has."""
        if not self._load.prompts:
            return self._load.turns
        return min(self._load.turns, len(self._entry(number)["turns"]))

    def messages(self, number: int, turn: int) -> list[Message]:
        """Return what is asked in one turn, without what was said before it."""
        if self._load.prompts:
            return self._from_file(number, turn)
        name = f"{number}-{turn}" if turn else str(number)
        lengths = self._lengths(number, turn)
        text = self._prompts.text(name, self._words.words_for(lengths.prompt - self._shared_tokens(turn)))
        if self._shared_tokens(turn):
            which = self._chance(number, 0).randrange(self._load.prefixes)
            shared = self._prompts.text(f"prefix-{which}", self._words.words_for(self._load.prefix_tokens))
            text = f"{shared} {text}"
        return [{"role": "user", "content": text}]

    def request(self, number: int, turn: int, history: Sequence[Message]) -> bytes:
        """Return the bytes of one request."""
        load = self._load
        name = f"edgectl-{load.seed}-{number}{f'-{turn}' if turn else ''}"
        messages = [*history, *self.messages(number, turn)]
        may_reuse = load.turns > 1 or load.prefix_tokens > 0
        tokens = self._lengths(number, turn).output
        return chat_request(self._target, load, self._model, Asked(name, messages, tokens, may_reuse))

    def named(self, name: str) -> bytes:
        """Return a request of the usual size that is none of the load's, as warming up wants it."""
        load = self._load
        text = self._prompts.text(name, self._words.words_for(load.prompt_tokens))
        asked = Asked(f"edgectl-{load.seed}-{name}", [{"role": "user", "content": text}], load.output_tokens)
        return chat_request(self._target, load, self._model, asked)

    def _shared_tokens(self, turn: int) -> int:
        return 0 if turn else self._load.prefix_tokens

    def _from_file(self, number: int, turn: int) -> list[Message]:
        """Return a turn of the file; the first begins with a mark, so that no cache has seen it before."""
        entry = self._entry(number)
        before = entry.get("messages", ()) if turn == 0 else ()
        messages = [*before, {"role": "user", "content": entry["turns"][turn]}]
        if turn == 0:
            first = messages[0]
            messages[0] = {**first, "content": f"[{self._prompts.mark(str(number))}] {first['content']}"}
        return messages

    def _entry(self, number: int) -> Mapping[str, Any]:
        prompts = self._load.prompts or ()
        entry: Mapping[str, Any] = prompts[self._order[number % len(self._order)]]
        return entry

    def _lengths(self, number: int, turn: int) -> _Lengths:
        load = self._load
        if load.trace:
            _, prompt, output = load.trace[number]
            return _Lengths(int(prompt), int(output))
        prompt, output = load.prompt_tokens, load.output_tokens
        if self._prompt_lengths or self._output_lengths:
            chance = self._chance(number, turn)
            prompt = self._prompt_lengths.draw(chance) if self._prompt_lengths else prompt
            output = self._output_lengths.draw(chance) if self._output_lengths else output
        if load.prompts:
            output = self._entry(number).get("output_tokens") or output
        return _Lengths(prompt, output)

    def _chance(self, number: int, turn: int) -> random.Random:
        return random.Random(f"{self._load.seed}/lengths/{number}/{turn}")  # noqa: S311 - reproducible on purpose
