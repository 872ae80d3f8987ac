"""A short-lived server of this host's blobs, for its neighbours alone: it wants a token and ends by itself.

There is one on a host, however many services ship to it: each lets its own neighbours in (`_relay_guests`).
"""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import sys
import threading
import time

from edgectl.remote import files
from edgectl.remote.lean import Any, Dict, NamedTuple, suppress
from edgectl.remote.tasks import _pieces
from edgectl.remote.tasks._pieces import Pieces
from edgectl.remote.tasks._relay_guests import Guest, Guests

_COPY_BYTES = 256 * 1024
_RANGE = re.compile(r"^bytes=(\d+)-(\d*)$")
_STEP_S = 0.5


class Terms(NamedTuple):
    """Where a relay serves, whom, and how long it waits for them once the host has its own files."""

    address: str
    port: int
    token: str
    blobs: str
    state: str
    idle_s: float = 120.0

    @property
    def place(self) -> str:
        """Return where it listens."""
        return f"{self.address}:{self.port}"


def start(terms: Terms) -> str:
    """Have a relay serve whoever shows the token, and outlive this process; return why not, or an empty text.

    One that runs there already goes on; one that listens elsewhere ends.
    """
    guests = Guests(terms.state)
    with guests.held():
        guests.admit(terms.token, Guest(os.getpid(), terms.idle_s))
        if _place(terms.state) == terms.place:
            return ""
        stop(terms.state)
        return _begin(terms)


def _place(state: str) -> str:
    """Return where the relay that runs listens."""
    pid, _, place = (files.read(_pid_file(state)) or b"").decode().partition(" ")
    return place if pid and _is_relay(int(pid)) else ""


def _begin(terms: Terms) -> str:
    said, says = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            _become(terms, says)
        os._exit(0)
    os.close(says)
    os.wait()
    with os.fdopen(said) as stream:
        return stream.read()


def stop(state: str) -> None:
    """End the relay that runs, if one does."""
    raw = files.read(_pid_file(state))
    if raw is not None and _is_relay(int(raw.split()[0])):
        with suppress(ProcessLookupError):
            os.kill(int(raw.split()[0]), signal.SIGTERM)
    with suppress(FileNotFoundError):
        os.unlink(_pid_file(state))


def _pid_file(state: str) -> str:
    return os.path.join(state, "relay.pid")


def _is_relay(pid: int) -> bool:
    """Tell whether a process is a relay: it holds its own file open, and nobody else does."""
    try:
        return os.readlink(f"/proc/{pid}/fd/3").endswith("/relay.pid")
    except OSError:
        return False


def _become(terms: Terms, says: int) -> None:
    """Serve in this process until it is time; never returns."""
    try:
        server = _Server((terms.address, terms.port), _Handler)
        server.terms, server.guests = terms, Guests(terms.state)
        files.write_atomically(_pid_file(terms.state), f"{os.getpid()} {terms.place}".encode())
        _let_go(_pid_file(terms.state), {says, server.fileno()})
        os.close(says)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.await_end()
    except OSError as error:
        with suppress(OSError):
            os.write(says, f"no relay at {terms.place}: {error.strerror}".encode())
    finally:
        os._exit(0)


def _let_go(mark: str, kept: set[int]) -> None:
    """Close what belongs to the task that started this one; descriptor 3 marks this process as a relay."""
    signal.signal(signal.SIGTERM, lambda *_given: os._exit(0))
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            with suppress(OSError):
                os.close(int(name))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        if fd != null:
            os.dup2(null, fd)
    marked = os.open(mark, os.O_RDONLY)
    if marked != 3:  # noqa: PLR2004 - as said
        os.dup2(marked, 3)
    sys.stderr = sys.stdout = open(os.devnull, "w", encoding="ascii")  # noqa: SIM115 - until the end


class _Server(http.server.ThreadingHTTPServer):
    """Knows when it was last of use."""

    terms: Terms
    guests: Guests
    daemon_threads = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.used_s = time.monotonic()
        self.running = 0
        self.lists: Dict[str, Pieces] = {}

    def await_end(self) -> None:
        while not self._is_over():
            time.sleep(_STEP_S)

    def _is_over(self) -> bool:
        """End where nobody is waited for any more; whoever comes at that moment finds none, and begins another."""
        if self._is_of_use():
            return False
        with self.guests.held():
            if self._is_of_use():
                return False
            self.guests.clear()
            os.unlink(_pid_file(self.terms.state))
            self.server_close()
        return True

    def _is_of_use(self) -> bool:
        guests = self.guests.all()
        now = time.monotonic()
        if guests and (self.running or any(guest.is_coming() for guest in guests)):
            self.used_s = now
        return now - self.used_s <= max([guest.idle_s for guest in guests], default=-1.0)


class _Handler(http.server.BaseHTTPRequestHandler):
    """GET /SHA256, in ranges, and /SHA256/pieces for how large its pieces are, and their marks."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.running += 1
        self.server.used_s = time.monotonic()
        try:
            self._answer()
        finally:
            self.server.running -= 1

    def _answer(self) -> None:
        guest = self.server.guests.of(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if guest is None:
            self._say(401, b"")
            return
        sha256, _, what = self.path.strip("/").partition("/")
        path = os.path.join(self.server.terms.blobs, "sha256", sha256[:2], sha256)
        if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not os.path.exists(path):
            self._say(503 if guest.is_coming() else 404, b"")
        elif what == "pieces":
            self._say(200, json.dumps(self._pieces(path)).encode())
        else:
            self._send(path)

    def _pieces(self, path: str) -> Pieces:
        if path not in self.server.lists:
            self.server.lists[path] = _pieces.of_file(path, _pieces.each_bytes(os.path.getsize(path)))
        return self.server.lists[path]

    def _send(self, path: str) -> None:
        size = os.path.getsize(path)
        match = _RANGE.match(self.headers.get("Range", ""))
        first = int(match[1]) if match else 0
        last = min(int(match[2]), size - 1) if match and match[2] else size - 1
        self.send_response(206 if match else 200)
        self.send_header("Content-Length", str(max(0, last - first + 1)))
        if match:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with open(path, "rb") as stream:
            stream.seek(first)
            left = last - first + 1
            while left > 0:
                piece = stream.read(min(_COPY_BYTES, left))
                if not piece:
                    return
                self.wfile.write(piece)
                left -= len(piece)

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        pass
