"""Where an HTTP/1.1 body ends (RFC 9112, section 6.3): what of it is payload, and when it is over."""

from __future__ import annotations

from typing import Mapping, Union

from edgectl.remote.bench.failure import PROTOCOL, RequestFailed

_CRLF = b"\r\n"
_LINE_LIMIT_BYTES = 4096
_HEX = b"0123456789abcdefABCDEF"  # int() would also take a sign and underscores


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
        self._rest = b""
        self._left = 0
        self._reads_line = self._begin
        self.done = False

    def feed(self, received: bytes) -> bytes:
        """Return the payload in what was received. Raises `RequestFailed` where it is no such body."""
        if not self._rest and not self._left and self._reads_line == self._begin:
            # By far the most reads are one whole chunk.
            end = received.find(_CRLF) + len(_CRLF)
            if end >= len(_CRLF) and received[-2:] == _CRLF:
                size = _length(received[: end - 2])
                if size and end + size + 2 == len(received):
                    return received[end:-2]
        raw = self._rest + received
        at = 0
        payload = []
        while at < len(raw) and not self.done:
            if self._left:
                payload.append(raw[at : at + self._left])
                at += len(payload[-1])
                self._left -= len(payload[-1])
                continue
            end = raw.find(_CRLF, at)
            if end < 0:
                if len(raw) - at > _LINE_LIMIT_BYTES:
                    raise RequestFailed(PROTOCOL, "a chunk of the body has no length")
                break
            self._reads_line(raw[at:end])
            at = end + len(_CRLF)
        self._rest = raw[at:]
        return payload[0] if len(payload) == 1 else b"".join(payload)

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
    digits = line.partition(b";")[0].strip()
    if not digits or digits.translate(None, _HEX):
        raise RequestFailed(PROTOCOL, f"a chunk of the body has the length {digits[:40]!r}")
    return int(digits, 16)
