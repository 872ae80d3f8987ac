"""Scripted engines as processes of their own; see `tests/remote/paced_engine.py`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = Path(__file__).parent / "remote/paced_engine.py"


@contextmanager
def paced(
    first_ms: float, gap_ms: float, *, slots: int = 8, noise: float = 0.02, port: int = 0
) -> Iterator[str]:
    """Yield the URL of an engine; it ends with the block."""
    pace = ["--first-ms", first_ms, "--gap-ms", gap_ms, "--slots", slots, "--noise", noise, "--port", port]
    process = subprocess.Popen(
        [sys.executable, str(_SCRIPT), *map(str, pace)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.communicate()
