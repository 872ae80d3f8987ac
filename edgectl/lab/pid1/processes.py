"""Which processes belong to a unit: without cgroups, the invocation id in their environment tells."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

_PROC = Path("/proc")


def processes_of(invocation: str) -> list[int]:
    """Return the processes that inherited `INVOCATION_ID`, or are in a session with one that did."""
    mark = f"INVOCATION_ID={invocation}".encode()
    entries = {
        int(entry.name): entry for entry in _PROC.iterdir() if entry.name.isdecimal() and entry.name != "1"
    }
    marked = {process for process, entry in entries.items() if mark in _read(entry / "environ").split(b"\0")}
    sessions = {_session(entries[process]) for process in marked} - {""}
    return sorted(
        process
        for process, entry in entries.items()
        if (process in marked or _session(entry) in sessions) and not _is_zombie(entry)
    )


def _stat(entry: Path) -> list[str]:
    return _read(entry / "stat").decode(errors="replace").rpartition(")")[2].split()


def _session(entry: Path) -> str:
    fields = _stat(entry)
    return fields[3] if fields else ""


def _is_zombie(entry: Path) -> bool:
    fields = _stat(entry)
    return not fields or fields[0] == "Z"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it ended while we looked


def send_signal(process: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def signal_number(name: str) -> int:
    """Return the number of a signal named as unit files do: `SIGTERM`, `TERM` or `15`."""
    if name.isdecimal():
        return int(name)
    return int(getattr(signal, f"SIG{name.removeprefix('SIG')}", signal.SIGTERM))
