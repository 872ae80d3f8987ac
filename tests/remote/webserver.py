"""A real web server on loopback, whose paths each do one thing."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

FILE = b"the file\n"
AUTH = "Basic " + base64.b64encode(b"me:pw").decode()


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    files: ClassVar[dict[str, bytes]] = {}

    def log_message(self, *_args: Any) -> None: ...

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.seen.append((self.command, self.path, dict(self.headers.items()), body))
        path = self.path.partition("?")[0]
        if path in self.files:
            self.serve_file(path)
        elif path == "/json":
            self.answer(200, json.dumps({"n": 1}).encode(), Content_Type="application/json; charset=utf-8")
        elif path == "/echo":
            self.answer(200, body, Content_Type="text/plain")
        elif path.startswith("/status/"):
            self.answer(int(path.rpartition("/")[2]), b"words")
        elif path == "/short":
            self.answer(200, b"half", Content_Length="100")
            self.close_connection = True
        elif path == "/named":
            self.answer(200, FILE, Content_Disposition='attachment; filename="../evil/real.txt"')
        elif path.startswith("/redirect/"):
            self.answer(int(path.split("/")[2]), Location=self.path.split("to=")[1])
        elif path == "/private":
            good = self.headers.get("Authorization") == AUTH
            self.answer(200, FILE) if good else self.answer(401, WWW_Authenticate='Basic realm="x"')
        else:
            self.answer(404)

    def serve_file(self, path: str) -> None:
        since = self.headers.get("If-Modified-Since")
        if since and email.utils.parsedate_to_datetime(since).timestamp() > 1_000_000_000:
            self.answer(304)
        else:
            self.answer(200, self.files[path])

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - http.server's names


@contextlib.contextmanager
def web() -> Iterator[tuple[str, type[Handler]]]:
    class Mine(Handler):
        seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
        files: ClassVar[dict[str, bytes]] = {"/f.bin": FILE}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Mine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
