"""How long prompts and answers are: distributions that are written as one word."""

from __future__ import annotations

import math
import random
from typing import Callable, Sequence

Draw = Callable[[random.Random], float]
FORMS = "uniform:128-1024, normal:512,128, lognormal:512,0.5 (median, sigma) or weights:256=3,1024=1"
# No engine takes more; a tail that runs away would otherwise be a prompt of gigabytes.
_LONGEST = 2_000_000


class Lengths:
    """Draws a number of tokens, at least one. Raises `ValueError` where the text is none of `FORMS`."""

    def __init__(self, text: str) -> None:
        kind, _, numbers = text.partition(":")
        try:
            self._draw, self.mean = _KINDS[kind](numbers)
        except (KeyError, ValueError):
            raise ValueError(f"lengths are written as {FORMS}, not {text!r}") from None

    def draw(self, chance: random.Random) -> int:
        """Return a length in tokens."""
        return min(_LONGEST, max(1, round(self._draw(chance))))


def _uniform(text: str) -> tuple[Draw, float]:
    low, high = _positive(text.split("-"), 2)
    if low > high:
        raise ValueError(text)
    return lambda chance: chance.randint(int(low), int(high)), (low + high) / 2


def _normal(text: str) -> tuple[Draw, float]:
    mean, deviation = _positive(text.split(","), 2)
    return lambda chance: chance.gauss(mean, deviation), mean


def _lognormal(text: str) -> tuple[Draw, float]:
    median, sigma = _positive(text.split(","), 2)
    location = math.log(median)
    return lambda chance: chance.lognormvariate(location, sigma), median * math.exp(sigma * sigma / 2)


def _weights(text: str) -> tuple[Draw, float]:
    pairs = [part.partition("=") for part in text.split(",")]
    lengths = _positive([pair[0] for pair in pairs], len(pairs))
    weights = _positive([pair[2] for pair in pairs], len(pairs))
    mean = sum(length * weight for length, weight in zip(lengths, weights)) / sum(weights)
    return lambda chance: chance.choices(lengths, weights)[0], mean


def _positive(words: Sequence[str], count: int) -> list[float]:
    numbers = [float(word) for word in words]
    if len(numbers) != count or not all(0 < number < math.inf for number in numbers):
        raise ValueError(words)
    return numbers


_KINDS = {"uniform": _uniform, "normal": _normal, "lognormal": _lognormal, "weights": _weights}
