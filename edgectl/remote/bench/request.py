"""One request from its bytes to its record."""

from __future__ import annotations

import json
from typing import Any, Mapping, NamedTuple, Sequence

from edgectl.remote.bench.answer import PIECE_BYTES, Answer
from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.reply import Reply, read_reply
from edgectl.remote.bench.target import Target

# Answers wait unread until all requests are over, since reading them would keep the loop while others arrive;
# beyond this much they are read as they end, to bound the memory.
_UNREAD_LIMIT_BYTES = 256 * 1024 * 1024


class Due(NamedTuple):
    """A request that was due at a moment; `queued_ns` of its wait were for a limit on requests in flight."""

    number: int
    turn: int
    scheduled_ns: int
    queued_ns: int


class Sent(NamedTuple):
    """A request that is over; its answer is still as it arrived, so that reading it disturbs nobody.

    Moments are CLOCK_MONOTONIC in ns. `sent_ns` is 0 where it never came to sending.
    """

    due: Due
    started_ns: int
    sent_ns: int
    connect_ns: int
    ended_ns: int
    outcome: Answer | RequestFailed


class Record(NamedTuple):
    """A request that was read; `error` is "" where it is a measurement."""

    number: int
    scheduled_ns: int
    started_ns: int
    sent_ns: int
    connect_ns: int
    ended_ns: int
    error: str = ""
    detail: str = ""
    first_content_ns: int | None = None
    chunks_ns: list[int] = []  # noqa: RUF012 - a default that nobody appends to
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    engine_ttft_ms: float | None = None
    engine_tpot_ms: float | None = None
    first_text_ns: int | None = None
    queued_ns: int = 0
    turn: int = 0

    @property
    def lag_ns(self) -> int:
        """Return how late the client was, beyond the wait that a limit on requests in flight asked for."""
        return self.started_ns - self.scheduled_ns - self.queued_ns


class Asked(NamedTuple):
    """What one request says; it may be answered from a cache of prompts only where it `may_reuse`."""

    name: str
    messages: Sequence[Mapping[str, str]]
    tokens: int
    may_reuse: bool = False


def chat_request(target: Target, load: Load, model: str, asked: Asked) -> bytes:
    """Return the bytes of a request for exactly so many tokens."""
    body = {
        "model": model,
        "messages": asked.messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": asked.tokens,
        "ignore_eos": True,
        "temperature": 0,
        "cache_prompt": asked.may_reuse,
    }
    raw = json.dumps(body, separators=(",", ":")).encode()
    more = {
        "Content-Type": "application/json",
        "Content-Length": str(len(raw)),
        "Accept": "text/event-stream",
        "X-Request-Id": asked.name,
    }
    return head(target, load, "POST", target.chat_path, more) + raw


def head(target: Target, load: Load, method: str, path: str, more: dict[str, str]) -> bytes:
    """Return the head of a request."""
    headers = {"Host": target.authority, "User-Agent": "edgectl-bench", "Accept-Encoding": "identity", **more}
    if load.api_key:
        headers["Authorization"] = f"Bearer {load.api_key}"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Archive:
    """Keeps what was sent, unread as long as that fits into memory."""

    def __init__(self) -> None:
        self._unread: list[Sent] = []
        self._unread_bytes = 0
        self._records: list[Record] = []

    def add(self, sent: Sent) -> None:
        """Keep a request that is over."""
        if isinstance(sent.outcome, Answer):
            pieces = sent.outcome.pieces
            self._unread_bytes += sum(len(piece.payload) for piece in pieces) + len(pieces) * PIECE_BYTES
        if self._unread_bytes > _UNREAD_LIMIT_BYTES:
            self._records.append(read(sent)[0])
        else:
            self._unread.append(sent)

    def add_and_read(self, sent: Sent) -> str | None:
        """Keep it, and return what the answer said; None where it failed."""
        record, text = read(sent)
        self._records.append(record)
        return None if record.error else text

    @property
    def read_early(self) -> int:
        """Return how many answers were read while others arrived."""
        return len(self._records)

    def records(self) -> list[Record]:
        """Read all that was gathered."""
        return self._records + [read(sent)[0] for sent in self._unread]


def read(sent: Sent) -> tuple[Record, str]:
    """Read what was gathered; a failure is a value."""
    due = sent.due
    record = Record(
        due.number,
        due.scheduled_ns,
        sent.started_ns,
        sent.sent_ns,
        sent.connect_ns,
        sent.ended_ns,
        queued_ns=due.queued_ns,
        turn=due.turn,
    )
    if isinstance(sent.outcome, RequestFailed):
        return record._replace(error=sent.outcome.kind, detail=sent.outcome.detail), ""
    try:
        reply = read_reply(sent.outcome)
    except RequestFailed as failure:
        return record._replace(error=failure.kind, detail=failure.detail), ""
    return _told(record, reply), reply.text


def _told(record: Record, reply: Reply) -> Record:
    return record._replace(
        first_content_ns=reply.first_content_ns,
        first_text_ns=reply.chunks_ns[0],
        chunks_ns=reply.chunks_ns,
        output_tokens=reply.output_tokens,
        prompt_tokens=reply.prompt_tokens,
        engine_ttft_ms=_number(reply.timings.get("prompt_ms")),
        engine_tpot_ms=_number(reply.timings.get("predicted_per_token_ms")),
    )


def _number(said: Any) -> float | None:
    return float(said) if isinstance(said, (int, float)) else None
