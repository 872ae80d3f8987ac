"""What the engine's operations need of the web: a few small pages, and the digest of what is large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that was read whole; names of headers are small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What bytes are: their sha256 and their number, and the marks of their pieces where those were made."""

    sha256: str
    size: int
    pieces: str = ""


class Web(Protocol):
    """Reads from origins. Every method raises `MissingError` where nobody answers or the line breaks."""

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """Return a small page, whatever its status is."""
        ...

    def size(self, url: str, headers: Mapping[str, str] | None = None) -> int | None:
        """Return how large a file is, None where the server does not say."""
        ...

    def beginning(self, url: str, count: int, headers: Mapping[str, str] | None = None) -> bytes:
        """Return at most so many of a file's first bytes."""
        ...

    def digest(self, url: str, headers: Mapping[str, str] | None = None) -> Content:
        """Read a file once, however large, and return what it is."""
        ...
