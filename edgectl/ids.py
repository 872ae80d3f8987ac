"""Run ids: chosen by the controller before the first connection, sorted by time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARACTERS = 10
_NOISE_CHARACTERS = 16
_RANDOM_BYTES = 10


def run_id(now: datetime, random_bytes: Callable[[int], bytes]) -> str:
    """Return a ULID (github.com/ulid/spec): 48 bits of milliseconds, then 80 random bits, 26 characters."""
    milliseconds = int(now.timestamp() * 1000)
    noise = int.from_bytes(random_bytes(_RANDOM_BYTES), "big")
    return _base32(milliseconds, _TIME_CHARACTERS) + _base32(noise, _NOISE_CHARACTERS)


def is_run_id(text: str) -> bool:
    """Tell whether a text is a whole id."""
    return len(text) == _TIME_CHARACTERS + _NOISE_CHARACTERS and set(text) <= set(_CROCKFORD)


def began_at(run: str) -> datetime:
    """Return when a run's id was chosen, to the millisecond."""
    milliseconds = 0
    for character in run[:_TIME_CHARACTERS]:
        milliseconds = milliseconds * len(_CROCKFORD) + _CROCKFORD.index(character)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _base32(number: int, characters: int) -> str:
    return "".join(_CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(characters)))
