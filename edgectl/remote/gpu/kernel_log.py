"""The kernel log of this boot and of the one before, from the first source that lets us read it."""

from __future__ import annotations

import errno
import glob
import os
import time
from typing import Callable, List, NamedTuple, Optional, Pattern, Tuple

from edgectl.remote.gpu import bounded

DEADLINE_S = 8.0
_RECORD_BYTES = 8192
_JOURNAL = ["journalctl", "-k", "--no-pager", "-o", "short-iso"]
# Where a kernel that died leaves its last lines, and where systemd-pstore(8) moves them at the next boot.
_PSTORE = ("/sys/fs/pstore/dmesg-*", "/var/lib/systemd/pstore/dmesg-*", "/var/lib/systemd/pstore/*/dmesg.txt")


_Sources = List[Tuple[str, Callable[[float], Tuple[str, str]]]]


class Log(NamedTuple):
    """The lines we look for. `source` is None where no source could be read, and `error` says why."""

    source: Optional[str]
    text: str
    error: str = ""


def read(wanted: Pattern[bytes], deadline_s: float = DEADLINE_S, kmsg: str = "/dev/kmsg") -> Log:
    """Return the lines since this boot in which `wanted` is found."""
    sources: _Sources = [
        ("journalctl", lambda left_s: _program([*_JOURNAL, "--boot=0"], wanted, left_s)),
        ("dmesg", lambda left_s: _program(["dmesg"], wanted, left_s)),
        (kmsg, lambda left_s: _kmsg(kmsg, wanted, left_s)),
    ]
    return _first(sources, deadline_s)


def read_before(wanted: Pattern[bytes], deadline_s: float = DEADLINE_S, root: str = "") -> Log:
    """Return such lines of the boot before this one: what the journal kept, else what the dying kernel left."""
    sources: _Sources = [
        ("journalctl", lambda left_s: _program([*_JOURNAL, "--boot=-1"], wanted, left_s)),
        ("pstore", lambda _: _pstore(root, wanted)),
    ]
    return _first(sources, deadline_s)


def booted(root: str = "") -> float:
    """Return the time of day of this boot."""
    with open(f"{root}/proc/uptime", encoding="ascii") as stream:
        return time.time() - float(stream.read().split()[0])


def _first(sources: _Sources, deadline_s: float) -> Log:
    """Return the first log that could be read; each source has two thirds of what the ones before it left."""
    errors = []
    until = time.monotonic() + deadline_s
    for name, source in sources:
        text, error = source((until - time.monotonic()) * 2 / 3)
        if not error:
            return Log(name, text)
        errors.append(f"{name}: {error}")
    return Log(None, "", "; ".join(errors))


def _program(words: List[str], wanted: Pattern[bytes], deadline_s: float) -> Tuple[str, str]:
    """Return a program's lines or its error. An empty journal with a complaint is one we may not read."""
    lines = bounded.Lines(wanted)
    said = bounded.run(words, deadline_s, lines)
    complaint = said.err.splitlines()[0] if said.err else ""
    if said.rc is None:
        return "", f"no answer within {deadline_s:.1f} s"
    if said.rc != 0 or (lines.seen <= 1 and complaint):
        return "", complaint or f"ended with {said.rc}"
    return said.out, ""


def _pstore(root: str, wanted: Pattern[bytes]) -> Tuple[str, str]:
    lines = bounded.Lines(wanted)
    try:
        for path in sorted(path for pattern in _PSTORE for path in glob.glob(root + pattern)):
            with open(path, "rb") as stream:
                lines.add(stream.read() + b"\n")
    except OSError as error:
        return "", str(error.strerror).lower()
    return (lines.text(), "") if lines.seen else ("", "empty")


def _kmsg(path: str, wanted: Pattern[bytes], deadline_s: float) -> Tuple[str, str]:
    """Read the ring buffer itself: one record per read, until there is none."""
    lines = bounded.Lines(wanted)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        return "", str(error.strerror).lower()
    try:
        _read_records(fd, lines, time.monotonic() + deadline_s)
    finally:
        os.close(fd)
    return lines.text(), ""


def _read_records(fd: int, lines: bounded.Lines, until: float) -> None:
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
