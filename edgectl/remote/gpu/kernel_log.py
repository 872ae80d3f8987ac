"""The kernel log since this boot, from the first source that lets us read it."""

from __future__ import annotations

import errno
import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from edgectl.remote.gpu import bounded, xid

_DEADLINE_S = 8.0
_RECORD_BYTES = 8192
_JOURNAL = ["journalctl", "-k", "-b", "--no-pager", "-o", "short-iso"]


class Log(NamedTuple):
    """The driver's lines. `source` is None where no source could be read, and `error` says why."""

    source: Optional[str]
    text: str
    error: str = ""


def read(kmsg: str = "/dev/kmsg") -> Log:
    """Return the lines that NVIDIA's driver wrote since this boot."""
    sources: List[Tuple[str, Callable[[], Tuple[str, str]]]] = [
        ("journalctl", lambda: _program(_JOURNAL)),
        ("dmesg", lambda: _program(["dmesg"])),
        (kmsg, lambda: _kmsg(kmsg)),
    ]
    errors = []
    for name, source in sources:
        text, error = source()
        if not error:
            return Log(name, text)
        errors.append(f"{name}: {error}")
    return Log(None, "", "; ".join(errors))


def since_boot() -> Dict[str, Any]:
    """Return what the log says about GPUs, and where it was read."""
    log = read()
    return {**xid.parse(log.text, _booted()), "kernel_log": {"source": log.source, "error": log.error}}


def _booted() -> float:
    """Return the time of day of this boot."""
    with open("/proc/uptime", encoding="ascii") as stream:
        return time.time() - float(stream.read().split()[0])


def _program(words: List[str]) -> Tuple[str, str]:
    """Return a program's lines or its error. An empty journal with a complaint is one we may not read."""
    lines = bounded.Lines(xid.MARKER)
    said = bounded.run(words, _DEADLINE_S, lines)
    complaint = said.err.splitlines()[0] if said.err else ""
    if said.rc is None:
        return "", f"no answer within {_DEADLINE_S:g} s"
    if said.rc != 0 or (lines.seen <= 1 and complaint):
        return "", complaint or f"ended with {said.rc}"
    return said.out, ""


def _kmsg(path: str) -> Tuple[str, str]:
    """Read the ring buffer itself: one record per read, until there is none."""
    lines = bounded.Lines(xid.MARKER)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        return "", str(error.strerror).lower()
    try:
        _read_records(fd, lines)
    finally:
        os.close(fd)
    return lines.text(), ""


def _read_records(fd: int, lines: bounded.Lines) -> None:
    until = time.monotonic() + _DEADLINE_S
    while time.monotonic() < until:
        try:
            record = os.read(fd, _RECORD_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EPIPE:  # a record was overwritten while we read: go on with the next
                raise
            continue
        if not record:
            return
        # Behind the message stand lines " KEY=value" about the device.
        lines.add(record.split(b"\n")[0] + b"\n")
