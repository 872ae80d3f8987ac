"""Which process holds something, said so that another on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
# proc(5): the time of a process's start is field 22, the 20th behind the name, which is in parentheses.
_START = 19


def this_process() -> str:
    """Return this process as BOOT/PID/START, '' where the machine does not say."""
    pid = os.getpid()
    boot, start = _boot(), _start(pid)
    return f"{boot}/{pid}/{start}" if boot and start else ""


def has_ended(process: str) -> bool:
    """Tell whether a process is surely gone: of this boot of this machine, and not there any more."""
    boot, _, rest = process.partition("/")
    pid, _, start = rest.partition("/")
    return bool(boot) and boot == _boot() and _start(int(pid)) != start


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _start(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_START]
    except OSError:
        return ""
