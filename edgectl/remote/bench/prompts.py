"""Prompts that share no prefix, so that no cache of the engine answers for it; reproducible by seed."""

from __future__ import annotations

import random
import zlib
from typing import NamedTuple

# Short words that the usual tokenizers hold as one token each, with the space before them.
_WORDS = """
    the of and to in is was for on as with by he at from his it an were are which this be had or not
    have one their its new after who they two her she been other when time there into may first would
    more can some only all over years most such where then these through between many both under three
    during used now people made known while part well since city day long before back around state work
    world life still water stone river cloud seven green north bread light site house small large early
    late road line sea
""".split()  # noqa: SIM905 - a hundred quotes would hide the words
_PAGES, _PAGE_WORDS = 2048, 64
_QUESTION = "Write a long text about these words:"


class WordCount(NamedTuple):
    """How many words make a prompt of so many tokens: tokens = fixed + per_word * words."""

    fixed: float = 0.0
    per_word: float = 1.0

    def words_for(self, tokens: int) -> int:
        """Return the number of words, at least one."""
        return max(1, round((tokens - self.fixed) / self.per_word))


def fitted(few: tuple[int, int], many: tuple[int, int]) -> WordCount:
    """Return the line through two measured (words, tokens); where they make no sense, one token per word."""
    per_word = (many[1] - few[1]) / (many[0] - few[0])
    if per_word <= 0:
        return WordCount()
    return WordCount(few[1] - per_word * few[0], per_word)


class Prompts:
    """Texts of random words; `name` tells those of one seed apart, by their first word."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        chance = random.Random(f"{seed}/pages")  # noqa: S311 - reproducible on purpose
        # A long prompt is put together from pages: word by word, one of 50,000 would keep the loop for 4 ms.
        self._pages = [" ".join(chance.choices(_WORDS, k=_PAGE_WORDS)) for _ in range(_PAGES)]

    def text(self, name: str, words: int) -> str:
        """Return a text of so many words, always the same for this seed and name."""
        chance = self._chance(name)
        pages, rest = divmod(words, _PAGE_WORDS)
        parts = [*chance.choices(self._pages, k=pages), *chance.choices(_WORDS, k=rest)]
        return f"{self.mark(name)} {_QUESTION} {' '.join(parts)}"

    def mark(self, name: str) -> str:
        """Return a word that, chance apart, no other name or seed has."""
        return f"{zlib.crc32(f'{self._seed}/{name}'.encode()):08x}"

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/prompt/{name}")  # noqa: S311 - as above
