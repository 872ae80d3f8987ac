"""An inference server: llama.cpp in this process through `xllamacpp`, with an end that lets requests finish.

Lab hosts have it as /usr/local/bin/edgectl-lab-engine. It imports nothing of edgectl's that a host does not
have.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Any

_MISSING = 8
_BAD_MODEL = 3
_DRAIN_S = 20.0
_STEP_S = 0.05
_BUSY = re.compile(r"^llamacpp:requests_(?:processing|deferred)\s+([0-9.]+)", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM, then until no request is running, at most 20 seconds more."""
    options = _parser().parse_args(arguments)
    if importlib.util.find_spec("xllamacpp") is None:
        return _complain("the engine needs the package xllamacpp: pip install 'edgectl[lab]'", _MISSING)
    if not Path(options.model).is_file():
        return _complain(f"{options.model}: no such model file", _BAD_MODEL)
    asked_to_end = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        asked_to_end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server = _serve(options)
    sys.stdout.write(f"serving {options.alias} at {server.listening_address}\n")
    sys.stdout.flush()
    asked_to_end.wait()
    _drain(server.listening_address)
    sys.stdout.flush()
    os._exit(0)  # the library's own threads have nothing left to save


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgectl-lab-engine", description="llama.cpp's OpenAI server for lab hosts"
    )
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--alias", default="lab", help="the model's name in the API")
    parser.add_argument("--parallel", type=int, default=4, help="requests served at once")
    parser.add_argument("--context", type=int, default=4096, help="tokens of context for each of them")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--api-key", action="append", default=[])
    return parser


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"edgectl-lab-engine: {message}\n")
    return code


def _serve(options: argparse.Namespace) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = options.model
    parameters.model_alias = {options.alias}
    parameters.hostnames = [options.host]
    parameters.port = options.port
    parameters.n_parallel = options.parallel
    parameters.n_ctx = options.context * options.parallel
    parameters.cpuparams.n_threads = options.threads
    parameters.cpuparams_batch.n_threads = options.threads
    parameters.endpoint_metrics = True
    parameters.warmup = False
    parameters.api_keys = options.api_key
    return xllamacpp.Server(parameters)


def _drain(address: str) -> None:
    deadline = time.monotonic() + _DRAIN_S
    while _running_requests(address) and time.monotonic() < deadline:
        time.sleep(_STEP_S)


def _running_requests(address: str) -> float:
    try:
        with urllib.request.urlopen(f"{address}/metrics", timeout=2) as answer:  # noqa: S310 - our own server
            return sum(float(number) for number in _BUSY.findall(answer.read().decode()))
    except (OSError, urllib.error.URLError):
        return 0.0


if __name__ == "__main__":
    sys.exit(main())
