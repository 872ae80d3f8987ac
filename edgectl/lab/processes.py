"""Processes remembered by id and start time, so that a reused id is never taken for them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_STEP_S = 0.01


def record_processes(path: Path, processes: Iterable[int]) -> None:
    """Remember running processes in a file."""
    path.write_text(
        json.dumps({str(process): _start_time(process) for process in processes}), encoding="utf-8"
    )


def still_running(path: Path) -> list[int]:
    """Return those of the remembered processes that have not ended."""
    if not path.is_file():
        return []
    recorded: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return [int(process) for process, started in recorded.items() if _start_time(int(process)) == started]


def kill_and_wait(path: Path, seconds: float) -> list[int]:
    """Kill the remembered processes; return those that are there after `seconds` all the same."""
    for process in still_running(path):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return wait_for_end(path, seconds)


def wait_for_end(path: Path, seconds: float) -> list[int]:
    """Wait until the remembered processes have ended; return those that have not after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := still_running(path)) and time.monotonic() < deadline:
        time.sleep(_STEP_S)
    return left


def with_children(process: int) -> tuple[int, ...]:
    """Return a process and those it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return (process, *(int(number) for number in children.split()))


def _start_time(process: int) -> str:
    """Return the kernel's start time of a process; empty for none and for one that waits to be reaped."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
