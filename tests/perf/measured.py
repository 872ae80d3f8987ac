"""What a command and all processes that it starts take: time, CPU and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_S = 0.25


@dataclass(frozen=True, slots=True)
class Cost:
    """`wall_s` and `cpu_s` in seconds; `peak_bytes` is the largest sum of proportional set sizes (PSS) seen."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def measured(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, timeout_s: float = 1800
) -> Cost:
    """Run a command in a session of its own and return what it took; it must succeed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        command, env=dict(environment), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    peak = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(_SAMPLE_S):
            peak = max(peak, sum(_pss_bytes(pid) for pid in _session(process.pid)))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        out, err = process.communicate(timeout=timeout_s)
    finally:
        over.set()
        watching.join()
    assert process.returncode == 0, out[-2000:] + err[-2000:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.monotonic() - began, cpu_s, peak)


def cpu_s_of(session: int) -> float:
    """Return the CPU seconds that the living processes of a session have used."""
    ticks = sum(int(word) for pid in _session(session) for word in _stat(pid)[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _session(leader: int) -> list[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if _stat(pid)[3:4] == [str(leader)]]


def _stat(pid: int) -> list[str]:
    """Return the fields of proc(5)'s stat behind the command's name; nothing where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
