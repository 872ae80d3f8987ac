"""Is a model service ready, and does it answer? Asked on the node, of an OpenAI-compatible server."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse

from edgectl.remote.lean import Any, Callable, NamedTuple
from edgectl.remote.tasks import _http
from edgectl.remote.tasks._engine_at import EngineAt

_INTERVAL_S = 0.25
_ASK_S = 5.0
_SMOKE_S = 60.0
_OK = 200


def wait_ready(engine: EngineAt, timeout_s: float, died: Callable[[], str]) -> str:
    """Wait until /health answers 200; return why it does not, or an empty text. `died` ends the waiting early."""
    give_up = time.monotonic() + timeout_s
    while True:
        with _http.opened(engine.request("/health", _ASK_S)) as answer:
            if answer.status == _OK:
                return ""
            said = answer.problem or f"/health answers {answer.status}"
        problem = died()
        if problem:
            return problem
        if time.monotonic() >= give_up:
            return f"not ready after {timeout_s:g} s: {said}"
        time.sleep(_INTERVAL_S)


def listener_at(engine: EngineAt) -> str:
    """Return that another program has the service's port, and would answer in its place, or an empty text."""
    place = urllib.parse.urlsplit(engine.url)
    try:
        socket.create_connection((place.hostname or "", place.port or 80), timeout=_ASK_S).close()
    except OSError:
        return ""
    return f"the port is in use: another program listens on {place.netloc}"


def await_tokens(engine: EngineAt, model: str, timeout_s: float, died: Callable[[], str]) -> str:
    """Wait until the service is ready and its stream brings a token; return why not, or an empty text."""
    give_up = time.monotonic() + timeout_s
    problem = wait_ready(engine, timeout_s, died)
    if problem:
        return problem
    while True:
        said = _stream(engine, _asked(model, "Hello.", 1), min(_SMOKE_S, max(1.0, timeout_s)))
        if said.text:
            return ""
        problem = died()
        if problem:
            return problem
        if time.monotonic() >= give_up:
            return f"/health says 200, and it produced no token in {timeout_s:g} s: {said.problem or 'an empty stream'}"
        time.sleep(_INTERVAL_S)


def token_of(engine: EngineAt, model: str) -> str:
    """Ask a model of a service that is ready for a token; return why there is none, or an empty text."""
    said = _stream(engine, _asked(model, "Hello.", 1), _SMOKE_S)
    return "" if said.text else f"{model} gave no token: {said.problem or 'an empty stream'}"


def smoke(
    engine: EngineAt, model: str, prompts: list[dict[str, str]], tokens: int, *, stream: bool
) -> tuple[str, dict[str, Any]]:
    """Ask every prompt for a chat completion; return what is wrong with the answers, and the first of them."""
    proof: dict[str, Any] = {}
    for prompt in prompts:
        asked = _asked(model, prompt["ask"], tokens)
        said = _completion(engine, asked)
        proof = proof or {"completion": said.text, "usage": said.usage, "smoke_seconds": said.seconds}
        problem = said.problem or _wrong(said.text, prompt.get("golden", ""))
        if not problem and stream:
            problem = _streamed(said.text, _stream(engine, asked, _SMOKE_S))
        if problem:
            return f"the smoke test got {problem}", proof
    return "", proof


def _wrong(text: str, golden: str) -> str:
    if not text:
        return "an empty completion"
    return "" if text.startswith(golden) else f"{text[:60]!r} where the golden output is {golden[:60]!r}"


def _streamed(text: str, said: Said) -> str:
    if said.problem:
        return f"no whole stream: {said.problem}"
    return "" if said.text == text else f"{said.text[:60]!r} as a stream and {text[:60]!r} at once"


class Said(NamedTuple):
    """An answer, or why there is none."""

    text: str
    problem: str = ""
    usage: dict[str, Any] = {}  # noqa: RUF012 - never changed
    seconds: float = 0.0


def _asked(model: str, prompt: str, tokens: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": model, "messages": messages, "max_tokens": tokens, "temperature": 0}


def _request(engine: EngineAt, asked: dict[str, Any], timeout_s: float) -> _http.Request:
    return engine.request("/v1/chat/completions", timeout_s, json.dumps(asked).encode())


def _completion(engine: EngineAt, asked: dict[str, Any]) -> Said:
    began = time.monotonic()
    with _http.opened(_request(engine, asked, _SMOKE_S)) as answer:
        problem = _refused(engine, answer)
        if problem:
            return Said("", problem)
        raw = answer.read_text()
    try:
        found = json.loads(raw)
        text = found["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        return Said("", "no chat completion")
    return Said(text or "", "", found.get("usage", {}), round(time.monotonic() - began, 3))


def _stream(engine: EngineAt, asked: dict[str, Any], timeout_s: float) -> Said:
    """Ask for a stream of server-sent events and return all its text; a stream without its end is none."""
    text = ""
    try:
        with _http.opened(_request(engine, {**asked, "stream": True}, timeout_s)) as answer:
            problem = _refused(engine, answer)
            if problem:
                return Said("", problem)
            for line in answer.stream:
                data = line.strip()
                if data == b"data: [DONE]":
                    return Said(text)
                if data.startswith(b"data: "):
                    text += _piece(json.loads(data[6:]))
    except (*_http.BROKEN, ValueError, KeyError, TypeError, AttributeError) as error:
        return Said("", f"the stream broke: {error}")
    return Said("", "the stream ended without [DONE]")


def _piece(event: dict[str, Any]) -> str:
    return "".join((choice.get("delta") or {}).get("content") or "" for choice in event.get("choices", []))


def _refused(engine: EngineAt, answer: _http.Answer) -> str:
    return "" if answer.status == _OK else f"{answer.status}: {engine.told(answer)}"
