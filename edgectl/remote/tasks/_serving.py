"""Is a model service ready, and does it answer? Asked on the node, of an OpenAI-compatible server."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse

from edgectl.remote.lean import Any, Callable
from edgectl.remote.tasks import _http

_INTERVAL_S = 0.25
_ASK_S = 5.0
_SMOKE_S = 60.0
_OK = 200


def wait_ready(base_url: str, timeout_s: float, died: Callable[[], str]) -> str:
    """Wait until /health answers 200; return why it does not, or an empty text. `died` ends the waiting early."""
    give_up = time.monotonic() + timeout_s
    while True:
        with _http.opened(_http.Request(f"{base_url}/health", timeout_s=_ASK_S, use_proxy=False)) as answer:
            if answer.status == _OK:
                return ""
            said = answer.problem or f"/health answers {answer.status}"
        problem = died()
        if problem:
            return problem
        if time.monotonic() >= give_up:
            return f"not ready after {timeout_s:g} s: {said}"
        time.sleep(_INTERVAL_S)


def listener_at(base_url: str) -> str:
    """Return that another program has the service's port, and would answer in its place, or an empty text."""
    place = urllib.parse.urlsplit(base_url)
    try:
        socket.create_connection((place.hostname or "", place.port or 80), timeout=_ASK_S).close()
    except OSError:
        return ""
    return f"the port is in use: another program listens on {place.netloc}"


def smoke(base_url: str, model: str, prompt: str, tokens: int) -> tuple[str, dict[str, Any]]:
    """Ask for one chat completion; return what is wrong with it, and what was said."""
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
        "temperature": 0,
    }
    request = _http.Request(
        f"{base_url}/v1/chat/completions",
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps(asked).encode(),
        timeout_s=_SMOKE_S,
        use_proxy=False,
    )
    began = time.monotonic()
    with _http.opened(request) as answer:
        if answer.status != _OK:
            said = answer.problem or answer.read_text()[:200].decode("utf-8", "replace")
            return f"the smoke test got {answer.status}: {said}", {}
        raw = answer.read_text()
    seconds = round(time.monotonic() - began, 3)
    try:
        found = json.loads(raw)
        text = found["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        return "the smoke test got no chat completion", {}
    proof = {"completion": text, "usage": found.get("usage", {}), "smoke_seconds": seconds}
    return ("" if text else "the smoke test got an empty completion"), proof
