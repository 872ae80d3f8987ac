"""The lab's real engine on a port of its own, as a server to measure."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edgectl.lab.model import write_model
from tests.remote.bench_server import ROOT

KEY = "k1"
IS_MISSING = importlib.util.find_spec("xllamacpp") is None or importlib.util.find_spec("gguf") is None
WANTED = "needs a real engine: pip install 'edgectl[lab]'"


@contextmanager
def engine(folder: Path, before: Sequence[str] = ()) -> Iterator[str]:
    """Serve a small model; `before` are words that start the engine, such as taskset's."""
    write_model(folder / "model.gguf")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--model", str(folder / "model.gguf"), "--port", str(port), "--api-key", KEY]
    with subprocess.Popen(
        [*before, sys.executable, str(ROOT / "edgectl/lab/engine.py"), *words],
        env={"PATH": os.defpath, "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "the engine does not listen"
            time.sleep(0.1)
        else:
            return
