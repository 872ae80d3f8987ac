"""One request from its bytes to its record."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from edgectl.remote.bench.connection import Answer, Connection
from edgectl.remote.bench.failure import RequestFailed
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.reply import Reply, read_reply
from edgectl.remote.bench.target import Target

_NS = 1_000_000_000


class Sent(NamedTuple):
    """A request that is over; its answer is still as it arrived, so that reading it disturbs nobody.

    Moments are CLOCK_MONOTONIC in ns. `sent_ns` is 0 where it never came to sending.
    """

    number: int
    scheduled_ns: int
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


def chat_request(target: Target, load: Load, model: str, name: str, prompt: str, tokens: int) -> bytes:
    """Return the bytes of a request for exactly so many tokens, that no cache of prompts may answer."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": tokens,
        "ignore_eos": True,
        "temperature": 0,
        "cache_prompt": False,
    }
    raw = json.dumps(body, separators=(",", ":")).encode()
    more = {
        "Content-Type": "application/json",
        "Content-Length": str(len(raw)),
        "Accept": "text/event-stream",
        "X-Request-Id": name,
    }
    return head(target, load, "POST", target.chat_path, more) + raw


def head(target: Target, load: Load, method: str, path: str, more: dict[str, str]) -> bytes:
    """Return the head of a request."""
    headers = {"Host": target.authority, "User-Agent": "edgectl-bench", "Accept-Encoding": "identity", **more}
    if load.api_key:
        headers["Authorization"] = f"Bearer {load.api_key}"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def send(connection: Connection, request: bytes, number: int, scheduled_ns: int, timeout_s: float) -> Sent:
    """Send one request and gather its answer; a failure is a value."""
    started_ns = time.monotonic_ns()
    outcome: Answer | RequestFailed
    try:
        outcome = connection.exchange(request, started_ns + round(timeout_s * _NS))
    except RequestFailed as failure:
        outcome = failure
    ended_ns = outcome.ended_ns if isinstance(outcome, Answer) else time.monotonic_ns()
    return Sent(
        number, scheduled_ns, started_ns, connection.sent_ns, connection.connect_ns, ended_ns, outcome
    )


def read(sent: Sent) -> Record:
    """Read what was gathered; a failure is a value."""
    times = sent[:6]
    if isinstance(sent.outcome, RequestFailed):
        return Record(*times, error=sent.outcome.kind, detail=sent.outcome.detail)
    try:
        reply = read_reply(sent.outcome)
    except RequestFailed as failure:
        return Record(*times, error=failure.kind, detail=failure.detail)
    return _record(times, reply)


def _record(times: tuple[int, int, int, int, int, int], reply: Reply) -> Record:
    return Record(
        *times,
        first_content_ns=reply.first_content_ns,
        chunks_ns=reply.chunks_ns,
        output_tokens=reply.output_tokens,
        prompt_tokens=reply.prompt_tokens,
        engine_ttft_ms=_number(reply.timings.get("prompt_ms")),
        engine_tpot_ms=_number(reply.timings.get("predicted_per_token_ms")),
    )


def _number(said: Any) -> float | None:
    return float(said) if isinstance(said, (int, float)) else None
