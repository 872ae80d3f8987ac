"""Does the engine behind a service's front still make progress? Run by a timer on the node; restarts what hangs.

`/health` may say 200 while an engine is wedged (vLLM #39863, #36960), and a probe may time out while it is merely
busy (gonka PR #1421). So an engine is hung when it gives no token and its own counters stand still, several times.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_MARK = "# edgectl "
_UNAUTHORIZED = 401
_DONE = re.compile(
    r"^(?:vllm:generation_tokens_total|vllm:iteration_tokens_total_count|llamacpp:tokens_predicted_total"
    r"|sglang:generation_tokens_total)(?:\{[^}]*\})?\s+([0-9.eE+]+)",
    re.MULTILINE,
)


def main() -> int:
    """Look once; 0 where it serves or is not to serve, 1 where it gave no token."""
    options = _options()
    record = _record(options.service)
    slot = record.get("serving", "")
    notes = Path(f"/run/edgectl-{options.service}/watch.json")
    if not slot:
        notes.unlink(missing_ok=True)
        return 0
    base = f"http://127.0.0.1:{record['ports']['ab'.index(slot)]}"
    before = json.loads(notes.read_text()) if notes.exists() else {}
    key = os.environ.get(options.key, "")
    done = _tokens_done(base, key, options.timeout)
    if _gives_a_token(base, options.model, key, options.timeout) or (
        done is not None and done != before.get("done")
    ):
        notes.write_text(json.dumps({"done": done, "misses": 0}))
        return 0
    misses = int(before.get("misses", 0)) + 1
    sys.stderr.write(f"no token and no progress, {misses} of {options.misses}\n")
    if misses >= options.misses:
        misses = 0
        # One that somebody stopped, to mend the node, stays stopped.
        subprocess.run(["systemctl", "try-restart", f"edgectl-{options.service}-{slot}"], check=False)
    notes.write_text(json.dumps({"done": done, "misses": misses}))
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("model")
    parser.add_argument(
        "--key", default="", help="the variable, of this program's environment, that is its key"
    )
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for a token")
    parser.add_argument("--misses", type=int, default=3, help="looks in a row before it is restarted")
    return parser.parse_args()


def _record(service: str) -> dict[str, Any]:
    """Return what the front's configuration was made from: who serves, at which ports."""
    path = Path(f"/etc/edgectl/{service}.haproxy.cfg")
    first = path.read_text().partition("\n")[0] if path.exists() else ""
    return dict(json.loads(first[len(_MARK) :])) if first.startswith(_MARK) else {}


def _request(url: str, key: str, body: dict[str, Any] | None = None) -> urllib.request.Request:
    """Return a request to this node's own engine, with the key that it wants; one with a body posts it."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})  # noqa: S310 - as said


def _gives_a_token(base: str, model: str, key: str, timeout_s: float) -> bool:
    """Tell whether it gives one, or answers that the key is another one: it is not hung then."""
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": "Hi."}],
        "max_tokens": 1,
        "stream": True,
    }
    request = _request(f"{base}/v1/chat/completions", key, asked)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - this node's own engine
            return any(b'"content"' in line and b'"content":""' not in line for line in answer)
    except urllib.error.HTTPError as refused:
        return refused.code == _UNAUTHORIZED
    except OSError:
        return False


def _tokens_done(base: str, key: str, timeout_s: float) -> float | None:
    """Return how many tokens the engine says it made so far; None where it does not say."""
    try:
        with urllib.request.urlopen(_request(f"{base}/metrics", key), timeout=timeout_s) as answer:  # noqa: S310 - as above
            found = _DONE.findall(answer.read().decode("utf-8", "replace"))
    except OSError:
        return None
    return sum(float(number) for number in found) if found else None


if __name__ == "__main__":
    sys.exit(main())
