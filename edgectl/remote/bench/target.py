"""Where requests go: a URL taken apart."""

from __future__ import annotations

import urllib.parse
from typing import NamedTuple

_CHAT = "/chat/completions"
_API = "/v1"
_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """An OpenAI-compatible server; `base` is the path that `/models` is under."""

    host: str
    port: int
    tls: bool
    authority: str
    base: str

    @property
    def chat_path(self) -> str:
        """Return the path of streaming chat completions."""
        return self.base + _CHAT

    @property
    def metrics_path(self) -> str:
        """Return the path of the server's own counters, which lie beside the API and not under it."""
        return self.beside("/metrics")

    def beside(self, path: str) -> str:
        """Return the path of something that belongs to the server and not to the API."""
        root = self.base.removesuffix(_API)
        return root + path

    @property
    def models_path(self) -> str:
        """Return the path that lists the models."""
        return self.base + "/models"


def target_of(url: str) -> Target:
    """Take `http://host:8000`, `…/v1` or `…/v1/chat/completions` apart. `ValueError` for anything else."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"a URL such as http://127.0.0.1:8000 is wanted, not {url!r}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(f"{url!r} has more than scheme, host, port and path; a key goes into 'api_key'")
    path = parts.path.rstrip("/")
    base = path[: -len(_CHAT)] if path.endswith(_CHAT) else path or _API
    port = parts.port or _PORTS[parts.scheme]
    return Target(parts.hostname, port, parts.scheme == "https", parts.netloc, base)
