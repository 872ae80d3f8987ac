"""Where an HTTP/1.1 body ends (RFC 9112, section 6.3): what of it is payload, and when it is over."""

from __future__ import annotations

from typing import Mapping, Union

from edgectl.remote.bench.failure import PROTOCOL, RequestFailed

_CRLF = b"\r\n"
_LINE_LIMIT_BYTES = 4096
_HEX = frozenset(b"0123456789abcdefABCDEF")  # int() would also take a sign and underscores


class ByLength:
    """A body of known length."""

    ends_at_close = False

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def feed(self, received: bytes) -> bytes:
        """Return the payload in what was received."""
        payload = received[: self._left]
        self._left -= len(payload)
        self.done = self._left == 0
        return payload


class UntilClose:
    """A body that ends with its connection."""

    ends_at_close = True
    done = False

    def feed(self, received: bytes) -> bytes:
        """Return the payload in what was received."""
        return received


class Chunked:
    """A body in chunks, each after its own length; trailers are read and forgotten."""

    ends_at_close = False

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        self._reads_line = self._begin
        self.done = False

    def feed(self, received: bytes) -> bytes:
        """Return the payload in what was received. Raises `RequestFailed` where it is no such body."""
        self._buffer += received
        payload = []
        while self._buffer and not self.done:
            if self._left:
                payload.append(self._buffer[: self._left])
                self._buffer = self._buffer[len(payload[-1]) :]
                self._left -= len(payload[-1])
            elif not self._line():
                break
        return b"".join(payload)

    def _line(self) -> bool:
        """Take a line of framing; tell whether there was a whole one."""
        line, ending, rest = self._buffer.partition(_CRLF)
        if not ending:
            if len(self._buffer) > _LINE_LIMIT_BYTES:
                raise RequestFailed(PROTOCOL, "a chunk of the body has no length")
            return False
        self._buffer = rest
        self._reads_line(line)
        return True

    def _begin(self, line: bytes) -> None:
        self._left = _length(line)
        self._reads_line = self._end if self._left else self._trailer

    def _end(self, line: bytes) -> None:
        if line:
            raise RequestFailed(PROTOCOL, "a chunk of the body is longer than it says")
        self._reads_line = self._begin

    def _trailer(self, line: bytes) -> None:
        self.done = not line


Framing = Union[ByLength, UntilClose, Chunked]


def framing_of(headers: Mapping[str, str]) -> Framing:
    """Return how the body of an answer with these headers (names in lower case) is framed."""
    if headers.get("transfer-encoding", "").lower().endswith("chunked"):
        return Chunked()
    if "content-length" not in headers:
        return UntilClose()
    length = headers["content-length"]
    if not length.isdigit():
        raise RequestFailed(PROTOCOL, f"the answer has the length {length!r}")
    return ByLength(int(length))


def _length(line: bytes) -> int:
    digits = line.split(b";")[0].strip()
    if not digits or not set(digits) <= _HEX:
        raise RequestFailed(PROTOCOL, f"a chunk of the body has the length {digits[:40]!r}")
    return int(digits, 16)
