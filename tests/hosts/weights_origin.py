"""An origin of weights that knows ranges, logs every byte it sent, and misbehaves where a test says so."""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PIECE = 64 * 1024


@dataclass
class Origin:
    """`flips` are answers, counted from 0, in which one bit is another; `resets` those that end after so many bytes.

    `admits` says whom it answers.
    """

    folder: Path
    url: str = ""
    sent: Counter[str] = field(default_factory=Counter)
    log: list[tuple[str, str, int, int]] = field(default_factory=list)
    flips: set[int] = field(default_factory=set)
    resets: dict[int, int] = field(default_factory=dict)
    pace_s: float = 0.0
    ranges: bool = True
    admits: Callable[[str, str, Mapping[str, str]], bool] = lambda *_asked: True

    @property
    def bytes(self) -> int:
        return sum(self.sent.values())


@contextmanager
def origin(folder: Path, address: str) -> Iterator[Origin]:
    """Serve a folder at an address, path-style, as an S3-compatible store does for objects that anybody may read."""
    folder.mkdir()
    known = Origin(folder)
    server = http.server.ThreadingHTTPServer((address, 0), _handler(known))
    server.daemon_threads = True
    known.url = f"http://{address}:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()


def _refused(known: Origin, asked: http.server.BaseHTTPRequestHandler, content: Path) -> int:
    if not known.admits(asked.command, asked.path, asked.headers):  # type: ignore[arg-type]
        return 401
    return 0 if content.is_file() else 404


def _part(match: re.Match[str] | None, size: int) -> tuple[int, int]:
    if match is None:
        return 0, size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size


def _handler(known: Origin) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = len(known.log)
            content = known.folder / self.path.split("?")[0].strip("/")
            refused = _refused(known, self, content)
            if refused:
                self.send_error(refused)
                return
            size = content.stat().st_size
            match = _RANGE.match(self.headers.get("Range", "")) if known.ranges else None
            first, until = _part(match, size)
            known.log.append((self.client_address[0], self.path, first, size))
            if first >= size:
                self.send_error(416)
                return
            self.send_response(206 if match else 200)
            self.send_header("Content-Length", str(until - first))
            self.end_headers()
            self._send(content, (first, until), number)

        def _send(self, content: Path, part: tuple[int, int], number: int) -> None:
            sent, reset = 0, known.resets.get(number, 1 << 60)
            with content.open("rb") as stream:
                stream.seek(part[0])
                while piece := stream.read(min(_PIECE, part[1] - part[0] - sent)):
                    if sent >= reset:
                        self.close_connection = True
                        self.connection.close()
                        return
                    if number in known.flips and not sent:
                        piece = bytes([piece[0] ^ 1]) + piece[1:]
                    try:
                        self.wfile.write(piece)
                    except OSError:
                        return
                    sent += len(piece)
                    known.sent[self.client_address[0]] += len(piece)
                    time.sleep(known.pace_s)

        def log_message(self, *_words: Any) -> None:
            pass

    return Handler
