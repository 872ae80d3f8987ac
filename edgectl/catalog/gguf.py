"""The header of a GGUF file, as far as its metadata reaches: github.com/ggml-org/ggml, docs/gguf.md."""

from __future__ import annotations

import struct
from typing import Any

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}


class TruncatedError(ValueError):
    """The header goes on behind the bytes that are there."""


def read_header(raw: bytes) -> dict[str, Any]:
    """Return the metadata of a GGUF file's first bytes, arrays of text left out.

    Raises `TruncatedError` where more bytes are needed, and `ValueError` where this is no GGUF file.
    """
    reader = _Reader(raw)
    if raw[:4] != _MAGIC[: len(raw)]:
        raise ValueError("this is no GGUF file")
    reader.skip(len(_MAGIC))
    version = reader.number("I")
    if version not in _VERSIONS:
        raise ValueError(f"this is GGUF in version {version}, which nobody here reads")
    reader.number("Q")  # how many tensors
    return dict(reader.entry() for _ in range(int(reader.number("Q"))))


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def skip(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._raw):
            raise TruncatedError(f"the header is longer than {len(self._raw)} bytes")
        piece = self._raw[self._at : end]
        self._at = end
        return piece

    def number(self, form: str) -> Any:
        return struct.unpack(f"<{form}", self.skip(struct.calcsize(f"<{form}")))[0]

    def text(self) -> str:
        return self.skip(self.number("Q")).decode("utf-8", "replace")

    def entry(self) -> tuple[str, Any]:
        return self.text(), self._value(self.number("I"))

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(self.number("I"), self.number("Q"))
        if kind not in _NUMBERS:
            raise ValueError(f"the header has a value of kind {kind}, which GGUF does not know")
        return self.number(_NUMBERS[kind])

    def _array(self, kind: int, count: int) -> list[Any]:
        if kind == _STRING:
            for _ in range(count):
                self.skip(self.number("Q"))
            return []
        form = _NUMBERS.get(kind)
        if form is None:
            raise ValueError("the header has an array of arrays")
        return list(struct.unpack(f"<{count}{form}", self.skip(count * struct.calcsize(form))))
