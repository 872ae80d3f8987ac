"""A hub of models, an object store and a registry of images on loopback, which speak as the public ones do."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Site:
    """What the origin has, and what it was asked for.

    `revisions` maps OWNER/NAME@REVISION to a commit, `commits` a commit to its files; `large` are those that the hub
    keeps as LFS. `images` maps NAME:TAG to a manifest. `plain` are files by path.
    """

    url: str = ""
    revisions: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    large: tuple[str, ...] = (".safetensors", ".gguf")
    images: dict[str, bytes] = field(default_factory=dict)
    plain: dict[str, bytes] = field(default_factory=dict)
    token: str = ""
    registry_login: str = ""
    is_basic: bool = False
    admits: Callable[[str, str, Mapping[str, str]], bool] = lambda *_asked: True
    lies: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")

    def siblings(self, commit: str) -> list[dict[str, Any]]:
        return [self._sibling(path, content) for path, content in self.commits[commit].items()]

    def _sibling(self, path: str, content: bytes) -> dict[str, Any]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        listed: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": blob}
        if path.endswith(self.large):
            listed["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        return listed


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, *_args: Any) -> None: ...

    def do_GET(self) -> None:
        self.site.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/"):
            self._repository(path.removeprefix("/api/models/"))
        elif "/resolve/" in path:
            self._resolved(path)
        elif path.startswith("/v2/"):
            self._manifest(path.removeprefix("/v2/"))
        elif path == "/token":
            known = not self.site.registry_login or self._is_known()
            self._answer(200 if known else 401, b'{"token": "let-me-in"}')
        elif not self.site.admits(self.command, self.path, self.headers):  # type: ignore[arg-type]
            self._answer(403)
        else:
            self._file(self.site.plain.get(path))

    def _is_known(self) -> bool:
        """Tell whether the registry's login came with the request."""
        both = base64.b64encode(self.site.registry_login.encode()).decode()
        return self.headers.get("Authorization") == f"Basic {both}"

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _repository(self, path: str) -> None:
        name, _, revision = path.partition("/revision/")
        commit = self.site.revisions.get(f"{name}@{revision}")
        bearer = f"Bearer {self.site.token}" if self.site.token else None
        if self.headers.get("Authorization") != bearer:
            self._answer(401)
        elif commit is None:
            self._answer(404)
        else:
            found = {"sha": commit, "siblings": self.site.siblings(commit)}
            self._answer(200, json.dumps(found).encode())

    def _resolved(self, path: str) -> None:
        commit, _, name = path.partition("/resolve/")[2].partition("/")
        content = self.site.commits.get(commit, {}).get(name)
        self._file(content[:-1] + b"?" if content and self.site.lies else content)

    def _manifest(self, path: str) -> None:
        name, _, tag = path.partition("/manifests/")
        manifest = self.site.images.get(f"{name}:{tag}")
        if self.site.is_basic and not self._is_known():
            self._answer(401, b"", WWW_Authenticate='Basic realm="images"')
        elif not self.site.is_basic and self.headers.get("Authorization") != "Bearer let-me-in":
            realm = f'Bearer realm="{self.site.url}/token",service="r",scope="repository:{name}:pull"'
            self._answer(401, b"", WWW_Authenticate=realm)
        elif manifest is None or _INDEX not in self.headers.get("Accept", ""):
            self._answer(404)
        else:
            digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
            self._answer(200, manifest + (b" " if self.site.lies else b""), Docker_Content_Digest=digest)

    def _file(self, content: bytes | None) -> None:
        said = self.headers.get("Range", "")
        if content is None:
            self._answer(404)
        elif said:
            last = int(said.rpartition("-")[2])
            self._answer(206, content[: last + 1])
        else:
            self._answer(200, content)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextlib.contextmanager
def an_origin() -> Iterator[Site]:
    site = Site()
    handler = type("Mine", (_Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
