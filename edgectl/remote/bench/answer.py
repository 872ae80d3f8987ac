"""An HTTP/1.1 answer as it comes in: each piece of its body with the moment it arrived."""

from __future__ import annotations

from typing import NamedTuple

from edgectl.remote.bench.failure import PROTOCOL, RESET, RequestFailed
from edgectl.remote.bench.framing import Framing, framing_of

_HEAD_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 32 * 1024 * 1024
PIECE_BYTES = 150  # what Python keeps beside the bytes of a piece
_OK = 200
_REDIRECTS = range(300, 400)
_INFORMATIONAL = 200  # statuses below this are not the answer yet


class Piece(NamedTuple):
    """Payload bytes that arrived together; the moment is CLOCK_MONOTONIC in ns, taken right after `recv`."""

    at_ns: int
    payload: bytes


class Answer(NamedTuple):
    """A whole answer with status 200."""

    headers: dict[str, str]
    pieces: list[Piece]

    @property
    def body(self) -> bytes:
        """Return the payload as a whole."""
        return b"".join(piece.payload for piece in self.pieces)


class Head(NamedTuple):
    """The status line and the headers, their names in lower case."""

    version: str
    status: int
    headers: dict[str, str]

    @property
    def stays_open(self) -> bool:
        """Tell whether the connection may serve another request (RFC 9112, section 9.3)."""
        said = self.headers.get("connection", "").lower()
        return "close" not in said and (self.version != "HTTP/1.0" or "keep-alive" in said)


class Incoming:
    """Takes what is received; `is_over` once that was the whole."""

    def __init__(self) -> None:
        self.is_over = False
        self.stays_open = False
        self.has_begun = False
        self._raw_head = b""
        self._head: Head | None = None
        self._framing: Framing | None = None
        self._pieces: list[Piece] = []
        self._size = 0

    def take(self, at_ns: int, received: bytes) -> None:
        """Take the next bytes. Raises `RequestFailed` where they are no such answer, or too long a one."""
        self.has_begun = True
        if self._framing is None:
            received = self._take_head(received)
            if self._framing is None:
                return
        self._size += len(received) + PIECE_BYTES
        if self._size > BODY_LIMIT_BYTES:
            raise RequestFailed(PROTOCOL, f"the answer is longer than {BODY_LIMIT_BYTES} bytes")
        payload = self._framing.feed(received) if received else b""
        if payload:
            self._pieces.append(Piece(at_ns, payload))
        self.is_over = self._framing.done

    def close(self) -> None:
        """Take the end of the connection. Raises `RequestFailed` where that is not the end of the answer."""
        if self._framing is None:
            where = "in the middle of the headers" if self.has_begun else "before an answer"
            raise RequestFailed(RESET, f"closed {where}")
        if not self._framing.ends_at_close:
            raise RequestFailed(RESET, "closed in the middle of the answer")
        self.is_over = True
        self.stays_open = False

    def answer(self) -> Answer:
        """Return the whole. Raises `RequestFailed` for any status but 200, with what the server said."""
        head = self._head
        if head is None:
            raise RequestFailed(RESET, "closed before an answer")
        if head.status in _REDIRECTS:
            raise RequestFailed(f"http_{head.status}", f"moved to {head.headers.get('location', 'nowhere')}")
        if head.status != _OK:
            said = b"".join(piece.payload for piece in self._pieces).decode("utf-8", "replace").strip()
            raise RequestFailed(f"http_{head.status}", said[:300])
        return Answer(head.headers, self._pieces)

    def _take_head(self, received: bytes) -> bytes:
        """Gather the head; return what came behind it, once it is whole."""
        raw = self._raw_head + received
        while True:
            text, ending, rest = raw.partition(b"\r\n\r\n")
            if not ending:
                break
            head = _parsed(text)
            if head.status >= _INFORMATIONAL:
                self._head, self._framing = head, framing_of(head.headers)
                self.stays_open = head.stays_open and not self._framing.ends_at_close
                return rest
            raw = rest
        if len(raw) > _HEAD_LIMIT_BYTES or not b"HTTP/1.".startswith(raw[:7]):
            raise RequestFailed(PROTOCOL, f"this is no HTTP/1.1 server: {raw[:60]!r}")
        self._raw_head = raw
        return b""


def _parsed(raw: bytes) -> Head:
    first, *lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise RequestFailed(PROTOCOL, f"this is no HTTP/1.1 server: {first[:60]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Head(version, int(rest[:3]), headers)
