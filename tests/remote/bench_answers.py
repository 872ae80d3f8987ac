"""How the server of the tests answers: well, cut and framed in odd ways, or badly in each of the ways there are."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


@dataclass(slots=True)
class Truth:
    """What the server did for one request, in ns of CLOCK_MONOTONIC."""

    received_ns: int
    connection: int = 0
    sent_ns: list[int] = field(default_factory=list)

    @property
    def ttft_ms(self) -> float:
        return (self.sent_ns[0] - self.received_ns) / 1e6

    def gaps_ms(self) -> list[float]:
        return [(later - earlier) / 1e6 for earlier, later in itertools.pairwise(self.sent_ns)]

    def tpot_ms(self, tokens: int) -> float:
        return (self.sent_ns[-1] - self.sent_ns[0]) / 1e6 / (tokens - 1)


Script = dict[str, Any]


def send_whole(line: socket.socket, body: bytes, kind: str, status: str = "200 OK", more: str = "") -> bool:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    line.sendall(head.encode() + body)
    return True


def _event(delta: dict[str, Any], **more: Any) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _framed(payload: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(payload), payload)


def _stream(script: Script, truth: Truth) -> Iterator[bytes]:
    """Yield the events of a good answer, waiting as the script says."""
    yield _event({"role": "assistant", "content": ""})
    time.sleep(script.get("first_ms", 0) / 1000)
    per_chunk = script.get("per_chunk", 1)
    name = script.get("field", "content")
    for number in range(script["tokens"] // per_chunk):
        if number:
            time.sleep(script.get("gap_ms", 0) / 1000)
        event = _event({name: "wört " * per_chunk})
        truth.sent_ns.append(time.monotonic_ns())
        yield event
    yield b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}\n\n'
    if script.get("usage", True):
        usage = {"prompt_tokens": 7, "completion_tokens": script["tokens"]}
        yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    if script.get("done", True):
        yield b"data: [DONE]\n\n"


def _head(line: socket.socket, *more: str, version: str = "HTTP/1.1") -> None:
    lines = [f"{version} 200 OK", "Content-Type: text/event-stream; charset=utf-8", *more, "", ""]
    line.sendall("\r\n".join(lines).encode())


def _chunked(line: socket.socket, script: Script, truth: Truth) -> bool:
    _head(line, "Transfer-Encoding: chunked")
    for event in _stream(script, truth):
        line.sendall(_framed(event))
    line.sendall(b"0\r\n\r\n")
    return True


def _split(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send a few bytes at a time, through the middle of lengths, of characters and of events."""
    _head(line, "Transfer-Encoding: chunked")
    crlf = [event.replace(b"\n", b"\r\n") for event in _stream(script, truth)]
    whole = b": ping\r\n\r\n".join([b"", *crlf])
    framed = b"".join(_framed(whole[at : at + 37]) for at in range(0, len(whole), 37)) + b"0\r\nA: b\r\n\r\n"
    for at in range(0, len(framed), 11):
        line.sendall(framed[at : at + 11])
        time.sleep(0.0002)
    return True


def _http10(line: socket.socket, script: Script, truth: Truth) -> bool:
    _head(line, version="HTTP/1.0")
    for event in _stream(script, truth):
        line.sendall(event)
    return False


def _closes(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Say nothing of closing, and close: the client finds its kept connection dead."""
    _chunked(line, script, truth)
    return False


def _reset(line: socket.socket, script: Script, truth: Truth) -> bool:
    _head(line, "Transfer-Encoding: chunked")
    for event, _ in zip(_stream(script, truth), range(4), strict=False):
        line.sendall(_framed(event))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return False


def _truncated(line: socket.socket, script: Script, truth: Truth) -> bool:
    _head(line, "Transfer-Encoding: chunked")
    for event, _ in zip(_stream(script, truth), range(4), strict=False):
        line.sendall(_framed(event))
    return False


def _stall(line: socket.socket, script: Script, truth: Truth) -> bool:
    _head(line, "Transfer-Encoding: chunked")
    for event, _ in zip(_stream(script, truth), range(4), strict=False):
        line.sendall(_framed(event))
    line.recv(1)  # until the client gives up
    return False


def _silent(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    line.recv(1)
    return False


def _error_500(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    return send_whole(line, b'{"error": "out of memory"}', "application/json", "500 Internal Server Error")


def _busy(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    return send_whole(line, b"slow down", "text/plain", "429 Too Many Requests")


def _redirect(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    return send_whole(line, b"", "text/plain", "302 Found", "Location: http://elsewhere/\r\n")


def _bad_sse(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    return send_whole(line, b"data: {not json\n\n", "text/event-stream")


def _html(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    return send_whole(line, b"<html>a proxy's page</html>", "text/html")


def _gzip(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    return send_whole(line, b"\x1f\x8b", "text/event-stream", more="Content-Encoding: gzip\r\n")


def _empty(line: socket.socket, script: Script, truth: Truth) -> bool:
    return _chunked(line, {**script, "tokens": 0}, truth)


def _told_late(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    body = _event({"content": "a"}) + b'data: {"error": {"code": 503, "message": "evicted"}}\n\n'
    return send_whole(line, body, "text/event-stream")


def _no_http(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    return False


def _bad_length(line: socket.socket, script: Script, truth: Truth) -> bool:
    del script, truth
    _head(line, "Transfer-Encoding: chunked")
    line.sendall(b"zz\r\n")
    return True


_GARBAGE_BYTES = 1 << 30
_BLOCK = b"x" * 65536


def _flood(line: socket.socket, block: bytes) -> bool:
    """Send a gigabyte, or as much of it as the client takes."""
    for _ in range(_GARBAGE_BYTES // len(block)):
        line.sendall(block)
    return False


def _garbage(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send bytes that are no events, until the connection ends."""
    del script, truth
    _head(line)
    return _flood(line, _BLOCK)


def _garbage_chunks(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send them well framed, in the smallest pieces: what each piece costs the client counts, too."""
    del script, truth
    _head(line, "Transfer-Encoding: chunked")
    return _flood(line, _framed(b"x") * 4096)


def _garbage_head(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send a head without end."""
    del script, truth
    line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    return _flood(line, _BLOCK)


def _garbage_chunk_length(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send a chunk's length without end."""
    del script, truth
    _head(line, "Transfer-Encoding: chunked")
    return _flood(line, b"0" * 65536)


def _garbage_events(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send good events without end."""
    del script, truth
    _head(line)
    return _flood(line, _event({"content": "x"}) * 512)


def _garbage_comments(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Keep alive without end, as a server does whose queue never moves."""
    del script, truth
    _head(line)
    return _flood(line, b": keep-alive\n\n" * 4096)


def _garbage_error(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Say at length why it failed."""
    del script, truth
    line.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n" % _GARBAGE_BYTES)
    return _flood(line, _BLOCK)


def _trickle(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Send a byte now and then: the connection lives, the answer does not."""
    del script, truth
    for byte in b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b": \n" * 100:
        line.sendall(bytes([byte]))
        time.sleep(0.05)
    return False


def _early(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Refuse in the middle of a request that is being sent, and close: the rest of it finds a reset."""
    del script, truth
    send_whole(line, b"too long", "text/plain", "413 Content Too Large")
    return False


def _json(line: socket.socket, script: Script, truth: Truth) -> bool:
    """Answer well, but not as a stream."""
    del script, truth
    return send_whole(line, b'{"choices": [{"message": {"content": "hello"}}]}', "application/json")


MODES: dict[str, Callable[[socket.socket, Script, Truth], bool]] = {
    "chunked": _chunked,
    "split": _split,
    "http10": _http10,
    "closes": _closes,
    "reset": _reset,
    "truncated": _truncated,
    "stall": _stall,
    "silent": _silent,
    "500": _error_500,
    "429": _busy,
    "redirect": _redirect,
    "bad_sse": _bad_sse,
    "html": _html,
    "gzip": _gzip,
    "empty": _empty,
    "told_late": _told_late,
    "no_http": _no_http,
    "bad_length": _bad_length,
    "garbage": _garbage,
    "garbage_chunks": _garbage_chunks,
    "garbage_head": _garbage_head,
    "garbage_chunk_length": _garbage_chunk_length,
    "garbage_events": _garbage_events,
    "garbage_comments": _garbage_comments,
    "garbage_error": _garbage_error,
    "trickle": _trickle,
    "early": _early,
    "json": _json,
}
# What a client is to make of them: the kind of failure, or a good answer.
FAILURES = {
    "reset": "reset",
    "truncated": "reset",
    "stall": "timeout",
    "silent": "timeout",
    "500": "http_500",
    "429": "http_429",
    "redirect": "http_302",
    "told_late": "http_503",
    "bad_sse": "protocol",
    "html": "protocol",
    "gzip": "protocol",
    "no_http": "protocol",
    "bad_length": "protocol",
    "json": "protocol",
    "trickle": "timeout",
    "empty": "empty",
}
GOOD = ("split", "http10", "closes")
