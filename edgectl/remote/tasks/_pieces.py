"""A large file in pieces, each with a mark that tells it from a damaged one: what differs is found, and fetched alone.

The marks prove nothing, the file's own sha256 does; so 64 bits of each are enough, and a lock stays a few pages long.
"""

from __future__ import annotations

import hashlib

from edgectl.remote.lean import NamedTuple, Optional

_SMALLEST_BYTES, _MOST = 4 * 1024 * 1024, 256
_MARK_DIGITS = 16
_COPY_BYTES = 1024 * 1024


class Pieces(NamedTuple):
    """The marks of a file's pieces, in order, and how many bytes each of them has but the last."""

    each_bytes: int
    marks: tuple[str, ...]

    def differing(self, other: Pieces) -> list[int]:
        """Return the numbers of the pieces that are others in another file, or are not there at all."""
        theirs = dict(enumerate(other.marks))
        return [number for number, mark in enumerate(self.marks) if theirs.get(number) != mark]


def each_bytes(size: int) -> int:
    """Return how large the pieces of a file are: from 4 MiB on, doubled until there are at most 256."""
    each = _SMALLEST_BYTES
    while size > each * _MOST:
        each *= 2
    return each


class Marking:
    """Takes a file's bytes as they come, and marks its pieces."""

    def __init__(self, each: int) -> None:
        self._each = self._left = each
        self._marks: list[str] = []
        self._running = hashlib.sha256()

    def take(self, content: bytes) -> None:
        """Take what comes next."""
        rest = memoryview(content)
        while rest:
            part, rest = rest[: self._left], rest[self._left :]
            self._running.update(part)
            self._left -= len(part)
            if not self._left:
                self._end_piece()

    def _end_piece(self) -> None:
        self._marks.append(self._running.hexdigest()[:_MARK_DIGITS])
        self._running, self._left = hashlib.sha256(), self._each

    def pieces(self) -> Pieces:
        """Return the marks of all that came."""
        if self._left < self._each:
            self._end_piece()
        return Pieces(self._each, tuple(self._marks))


def of_file(path: str, each: int) -> Pieces:
    """Read a file and mark its pieces."""
    marking = Marking(each)
    with open(path, "rb") as stream:
        for content in iter(lambda: stream.read(_COPY_BYTES), b""):
            marking.take(content)
    return marking.pieces()


def written(pieces: Pieces) -> str:
    """Return the marks as a lock has them."""
    return " ".join(pieces.marks)


def read(text: str, size: Optional[int]) -> Optional[Pieces]:
    """Return the pieces of a file of so many bytes; None where a lock has none, or those of another size."""
    if not text or size is None:
        return None
    found = Pieces(each_bytes(size), tuple(text.split()))
    return found if len(found.marks) == -(-size // found.each_bytes) else None
