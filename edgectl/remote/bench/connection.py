"""One HTTP/1.1 connection: a request out, and each piece of the answer with the moment it arrived.

The moment is taken directly after `recv`, before anything looks at the bytes; CLOCK_MONOTONIC is one clock
for all processes of a host and is never stepped.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import NamedTuple

from edgectl.remote.bench.failure import CONNECT, PROTOCOL, RESET, TIMEOUT, RequestFailed
from edgectl.remote.bench.framing import Framing, framing_of
from edgectl.remote.bench.target import Target

_READ_BYTES = 256 * 1024
_HEAD_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 32 * 1024 * 1024
_CONNECT_LIMIT_S = 10.0
_NS = 1_000_000_000
_OK = 200
_INFORMATIONAL = 200  # statuses below this are not the answer yet


class Piece(NamedTuple):
    """Payload bytes that arrived together."""

    at_ns: int
    payload: bytes


class Answer(NamedTuple):
    """An answer with status 200; `sent_ns` is the moment before its request was handed to the kernel."""

    headers: dict[str, str]
    pieces: list[Piece]
    sent_ns: int
    ended_ns: int


class _Head(NamedTuple):
    version: str
    status: int
    headers: dict[str, str]
    rest: Piece


class Connection:
    """Opened when first needed, kept alive between requests, opened again where the server closed it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket: socket.socket | None = None
        self.connect_ns = 0  # what the last `exchange` spent on connecting
        self.sent_ns = 0  # when the last `exchange` began to send; 0: it did not come so far

    def close(self) -> None:
        """Close; never raises."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None

    def exchange(self, request: bytes, deadline_ns: int) -> Answer:
        """Send a request and read its answer to the end. Raises `RequestFailed`."""
        self.connect_ns = self.sent_ns = 0
        try:
            if self._socket is not None:
                # RFC 9112, 9.3.1: a server may close an idle connection at any time.
                with contextlib.suppress(_Stale):
                    return self._exchange_on(self._socket, request, deadline_ns, is_reused=True)
                self.close()
            return self._exchange_on(self._open(deadline_ns), request, deadline_ns, is_reused=False)
        except BaseException:
            self.close()
            raise

    def _open(self, deadline_ns: int) -> socket.socket:
        began = time.monotonic_ns()
        limit_s = min(_CONNECT_LIMIT_S, _seconds_until(deadline_ns))
        try:
            made = socket.create_connection((self._target.host, self._target.port), limit_s)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = _secured(made, self._target.host) if self._target.tls else made
        except OSError as error:
            raise RequestFailed(CONNECT, f"{self._target.authority}: {error}") from None
        self.connect_ns = time.monotonic_ns() - began
        return self._socket

    def _exchange_on(
        self, line: socket.socket, request: bytes, deadline_ns: int, *, is_reused: bool
    ) -> Answer:
        self.sent_ns = time.monotonic_ns()
        try:
            line.settimeout(_seconds_until(deadline_ns))
            line.sendall(request)
            first = _received(line, deadline_ns)
        except (RequestFailed, OSError) as error:
            raise self._failure(error, is_reused=is_reused) from None
        if not first.payload:
            raise self._failure(RequestFailed(RESET, "closed before an answer"), is_reused=is_reused)
        head = _read_head(line, first, deadline_ns)
        framing = framing_of(head.headers)
        pieces = list(_body(line, head.rest, framing, deadline_ns))
        ended_ns = time.monotonic_ns()
        if framing.ends_at_close or not _stays_open(head):
            self.close()
        if head.status != _OK:
            said = b"".join(piece.payload for piece in pieces).decode("utf-8", "replace").strip()
            raise RequestFailed(f"http_{head.status}", said[:300])
        return Answer(head.headers, pieces, self.sent_ns, ended_ns)

    def _failure(self, error: RequestFailed | OSError, *, is_reused: bool) -> Exception:
        """Return what a failure before the first byte of the answer means."""
        if isinstance(error, socket.timeout):
            return RequestFailed(TIMEOUT, "the request could not be sent in time")
        if isinstance(error, RequestFailed) and error.kind == TIMEOUT:
            return error
        if is_reused:
            return _Stale()
        return error if isinstance(error, RequestFailed) else RequestFailed(RESET, str(error))


class _Stale(Exception):  # noqa: N818 - not an error: the request is sent again on a new connection
    """A kept connection turned out to be closed before a byte of the answer."""


def _secured(made: socket.socket, host: str) -> socket.socket:
    import ssl

    return ssl.create_default_context().wrap_socket(made, server_hostname=host)


def _received(line: socket.socket, deadline_ns: int) -> Piece:
    """Return what arrives next, b"" at the end."""
    line.settimeout(_seconds_until(deadline_ns))
    try:
        received = line.recv(_READ_BYTES)
        at_ns = time.monotonic_ns()
    except socket.timeout:
        raise RequestFailed(TIMEOUT, "the answer was not over in time") from None
    except OSError as error:
        raise RequestFailed(RESET, str(error)) from None
    return Piece(at_ns, received)


def _seconds_until(deadline_ns: int) -> float:
    left = deadline_ns - time.monotonic_ns()
    if left <= 0:
        raise RequestFailed(TIMEOUT, "the answer was not over in time")
    return left / _NS


def _read_head(line: socket.socket, first: Piece, deadline_ns: int) -> _Head:
    raw, at_ns = first.payload, first.at_ns
    while True:
        head, ending, rest = raw.partition(b"\r\n\r\n")
        if ending:
            version, status, headers = _parsed_head(head)
            if status >= _INFORMATIONAL:
                return _Head(version, status, headers, Piece(at_ns, rest))
            raw = rest
            continue
        if len(raw) > _HEAD_LIMIT_BYTES or not b"HTTP/1.".startswith(raw[:7]):
            raise RequestFailed(PROTOCOL, f"this is no HTTP/1.1 server: {raw[:60]!r}")
        at_ns, more = _received(line, deadline_ns)
        if not more:
            raise RequestFailed(RESET, "closed in the middle of the headers")
        raw += more


def _parsed_head(head: bytes) -> tuple[str, int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise RequestFailed(PROTOCOL, f"this is no HTTP/1.1 server: {first[:60]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return version, int(rest[:3]), headers


def _body(line: socket.socket, rest: Piece, framing: Framing, deadline_ns: int) -> list[Piece]:
    """Read the body to its end. Raises `RequestFailed`: RESET where it is cut short."""
    pieces = []
    size = 0
    at_ns, received = rest
    while True:
        payload = framing.feed(received) if received else b""
        if payload:
            pieces.append(Piece(at_ns, payload))
            size += len(payload)
        if framing.done:
            return pieces
        if size > BODY_LIMIT_BYTES:
            raise RequestFailed(PROTOCOL, f"the answer is longer than {BODY_LIMIT_BYTES} bytes")
        at_ns, received = _received(line, deadline_ns)
        if not received:
            if framing.ends_at_close:
                return pieces
            raise RequestFailed(RESET, "closed in the middle of the answer")


def _stays_open(head: _Head) -> bool:
    said = head.headers.get("connection", "").lower()
    return "close" not in said and (head.version != "HTTP/1.0" or "keep-alive" in said)
