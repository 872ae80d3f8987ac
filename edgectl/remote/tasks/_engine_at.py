"""An engine on this host: where it answers, and the key that it wants, read where its own unit reads it."""

from __future__ import annotations

import re

from edgectl.remote import files
from edgectl.remote.lean import Any, NamedTuple, Optional
from edgectl.remote.tasks import _http

# What a boot empties; written for root alone by service_secrets.
SECRETS = "/run/edgectl/secrets/{service}.env"
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNAUTHORIZED = 401


class EngineAt(NamedTuple):
    """An engine's URL, and its key, '' where it wants none."""

    url: str
    key: str = ""

    def __repr__(self) -> str:
        """Return where it is; its key is nobody's to read."""
        return f"EngineAt({self.url!r})"

    def request(self, path: str, timeout_s: float, body: Optional[bytes] = None) -> _http.Request:
        """Return a request for a path; one with a body posts it as JSON."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        asked: dict[str, Any] = {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            asked = {"method": "POST", "body": body}
        return _http.Request(self.url + path, headers=headers, timeout_s=timeout_s, use_proxy=False, **asked)

    def told(self, answer: _http.Answer) -> str:
        """Return how an answer begins that is not as it should be, without the key if the engine repeats it."""
        said = answer.problem or answer.read_text()[:200].decode("utf-8", "replace")
        return said.replace(self.key, "***") if self.key else said

    def refuses_the_key(self, timeout_s: float) -> bool:
        """Tell whether it answers, and takes the key for a wrong one."""
        with _http.opened(self.request("/v1/models", timeout_s)) as answer:
            return answer.status == _UNAUTHORIZED


def key_in(path: str, variable: str) -> str:
    """Return a variable's value in a file for EnvironmentFile=, '' for none that a header could carry."""
    raw = files.read(path) if variable else None
    text = "" if raw is None else raw.decode("utf-8", "replace")
    found = re.search(
        rf'^{re.escape(variable)}=(?:"((?:[^"\\]|\\.)*)"|([^"\n]*))$', text, re.MULTILINE | re.DOTALL
    )
    if not found:
        return ""
    value = found.group(2) if found.group(1) is None else _ESCAPED.sub(r"\1", found.group(1))
    return value if value.isascii() and value.isprintable() else ""
