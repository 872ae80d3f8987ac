"""What a streamed chat completion said, and when: read from stamped pieces, after they all have arrived."""

from __future__ import annotations

import json
from typing import Any, Iterable, Iterator, NamedTuple

from edgectl.remote.bench.answer import Answer, Piece
from edgectl.remote.bench.failure import EMPTY, PROTOCOL, RESET, RequestFailed

_EVENT_STREAM = "text/event-stream"
_DONE = b"[DONE]"
_EVENT_LIMIT_BYTES = 1024 * 1024
# Where engines put what a model thinks before it answers.
_REASONING = ("reasoning_content", "reasoning")
_HTTP_ERRORS = range(400, 600)


class Event(NamedTuple):
    """The data of one server-sent event, and the moment its last byte arrived."""

    at_ns: int
    data: bytes


class Reply(NamedTuple):
    """`chunks_ns` are the moments of all chunks with text; token counts are None where `usage` is missing."""

    first_content_ns: int | None
    chunks_ns: list[int]
    output_tokens: int | None
    prompt_tokens: int | None
    timings: dict[str, Any]
    text: str


def read_reply(answer: Answer) -> Reply:
    """Read an answer. Raises `RequestFailed` where it is no whole, non-empty stream."""
    kind = answer.headers.get("content-type", "")
    if not kind.startswith(_EVENT_STREAM):
        raise RequestFailed(PROTOCOL, f"the answer is {kind or 'of no type'}, not {_EVENT_STREAM}")
    if "content-encoding" in answer.headers:
        raise RequestFailed(PROTOCOL, f"the answer is packed with {answer.headers['content-encoding']}")
    reader = _Reader()
    for event in events(answer.pieces):
        if event.data == _DONE:
            reader.finished = True
            break
        reader.take(event.at_ns, _chunk(event.data))
    return reader.reply()


def events(pieces: Iterable[Piece]) -> Iterator[Event]:
    """Split stamped bytes into server-sent events, wherever the pieces were cut."""
    rest = b""
    data: list[bytes] = []
    at_ns = 0
    for piece in pieces:
        at_ns = piece.at_ns
        *lines, rest = (rest + piece.payload).split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")  # noqa: PLW2901 - the same line, by either convention
            if line.startswith(b"data:"):
                data.append(line[5:].strip())
            elif not line and data:
                yield Event(at_ns, b"\n".join(data))
                data = []
        if len(rest) > _EVENT_LIMIT_BYTES:
            raise RequestFailed(PROTOCOL, f"an event is longer than {_EVENT_LIMIT_BYTES} bytes")
    if rest.startswith(b"data:"):
        data.append(rest[5:].strip())
    if data:  # the last event lacks its blank line, or even its newline; servers do that
        yield Event(at_ns, b"\n".join(data))


def _chunk(data: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError:
        raise RequestFailed(PROTOCOL, f"an event is no JSON: {data[:80]!r}") from None
    if not isinstance(chunk, dict):
        raise RequestFailed(PROTOCOL, f"an event is no object: {data[:80]!r}")
    if "error" in chunk:
        raise _told(chunk["error"])
    return chunk


def _told(error: Any) -> RequestFailed:
    """Return an error that the server sent inside the stream, when the status 200 was already out."""
    code = error.get("code") if isinstance(error, dict) else None
    kind = f"http_{code}" if isinstance(code, int) and code in _HTTP_ERRORS else PROTOCOL
    return RequestFailed(kind, f"the server says in the stream: {str(error)[:200]}")


class _Reader:
    """Takes chunk after chunk."""

    def __init__(self) -> None:
        self.finished = False
        self._first_content_ns: int | None = None
        self._chunks_ns: list[int] = []
        self._text: list[str] = []
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] = {}

    def take(self, at_ns: int, chunk: dict[str, Any]) -> None:
        """Note a chunk; the moments of those without text (role, usage) do not count."""
        self._usage = chunk.get("usage") or self._usage
        self._timings = chunk.get("timings") or self._timings
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            self.finished = self.finished or bool(choice.get("finish_reason"))
            content = delta.get("content") or ""
            has_content = bool(content)
            self._text.append(str(content))
            if has_content and self._first_content_ns is None:
                self._first_content_ns = at_ns
            if has_content or any(delta.get(name) for name in _REASONING):
                self._chunks_ns.append(at_ns)

    def reply(self) -> Reply:
        """Return the whole. Raises `RequestFailed` where there is none."""
        if not self.finished:
            raise RequestFailed(RESET, "the stream ended without [DONE] and without a finish_reason")
        if not self._chunks_ns:
            raise RequestFailed(EMPTY, "the stream held no text")
        return Reply(
            self._first_content_ns,
            self._chunks_ns,
            _count(self._usage.get("completion_tokens")),
            _count(self._usage.get("prompt_tokens")),
            self._timings,
            "".join(self._text),
        )


def _count(said: Any) -> int | None:
    return said if isinstance(said, int) and said > 0 else None
