"""A server of streaming chat completions that tells the truth: it stamps each chunk just before it sends it.

What it does is written in the name of the model, as JSON, so that every request brings its own script. The
client runs in a process of its own, so that neither waits for the other's interpreter.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.remote.bench_answers import MODES, Script, Truth, send_whole

ROOT = Path(__file__).parent.parent.parent

CLIENT = """
import json, resource, sys
from edgectl.remote.args import build
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.measurement import bench, measured
plan, seen = measured(build(Load, json.load(sys.stdin)))
json.dump({"bench": bench(plan, seen), "records": [record._asdict() for record in seen.records],
           "start_ns": seen.start_ns, "peak_kib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}, sys.stdout)
"""


class TruthServer:
    """Listens on a port of its own; `truth` is by X-Request-Id."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.truth: dict[str, Truth] = {}
        self.bodies: dict[str, Any] = {}
        self.connections = 0
        self.keys: set[str] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.close()

    def of(self, seed: int, number: int) -> Truth:
        return self.truth[f"edgectl-{seed}-{number}"]

    def _accept(self) -> None:
        while True:
            try:
                made, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(made,), daemon=True).start()

    def _serve(self, made: socket.socket) -> None:
        try:
            line = self._tls.wrap_socket(made, server_side=True) if self._tls else made
        except OSError:
            made.close()
            return
        with line, contextlib.suppress(OSError), line.makefile("rb") as stream:
            while self._answer(line, stream):
                pass

    def _answer(self, line: socket.socket, stream: Any) -> bool:
        first = stream.readline()
        received_ns = time.monotonic_ns()
        if not first:
            return False
        headers = {}
        for raw in iter(stream.readline, b"\r\n"):
            name, _, value = raw.decode().partition(":")
            headers[name.lower()] = value.strip()
        self.keys.add(headers.get("authorization", ""))
        if first.startswith(b"GET"):
            return send_whole(line, b'{"data": [{"id": "{}"}]}', "application/json")
        body = json.loads(stream.read(int(headers["content-length"])))
        self.bodies[headers["x-request-id"]] = body
        truth = self.truth[headers["x-request-id"]] = Truth(received_ns, line.fileno())
        script = json.loads(body["model"])
        if "measured" in script and headers["x-request-id"].rpartition("-")[0].count("-") == 1:
            script["mode"] = script["measured"]  # what is sent before the measurement is answered well
        return MODES[script.get("mode", "chunked")](line, {"tokens": body["max_tokens"], **script}, truth)


def run_client(
    url: str,
    *,
    script: Script | None = None,
    python: str = sys.executable,
    environment: dict[str, str] | None = None,
    before: Sequence[str] = (),
    limit_s: float = 120.0,
    **load: Any,
) -> Any:
    """Make a load in a process of its own; return the report's object and the records.

    `before` are words that start it, such as taskset's; it may take `limit_s`.
    """
    given = {"url": url, "model": json.dumps(script or {}), "calibrate": False, "warmup_requests": 0, **load}
    done = subprocess.run(
        [*before, python, "-B", "-W", "error", "-c", CLIENT],
        input=json.dumps(given),
        env={"PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=limit_s,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
