"""The host's journal, one JSON line per message, and its kernel log in the format of /dev/kmsg."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

JOURNAL = Path("/var/log/journal/journal.jsonl")
KERNEL_LOG = Path("/run/edgectl-lab/kmsg")
_BOOT_ID = Path("/run/edgectl-lab/boot_id")
_PIECE = 65_536


class Journal:
    """Appends what services print and what happens to them."""

    def __init__(self) -> None:
        JOURNAL.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._boot = _BOOT_ID.read_text(encoding="utf-8").strip().replace("-", "")

    def write(self, message: str, *, unit: str = "", source: str = "systemd", process: int = 1) -> None:
        """Append one message about or from `unit`; where the disk is full it is lost."""
        entry = {
            "time": time.time(),
            "boot": self._boot,
            "unit": unit,
            "source": source,
            "pid": process,
            "message": message,
        }
        try:
            os.write(self._file, (json.dumps(entry) + "\n").encode())
        except OSError:
            return


class Printed:
    """The output of one service, cut into lines for the journal."""

    def __init__(self, journal: Journal, unit: str, source: str, process: int) -> None:
        self._journal = journal
        self._unit = unit
        self._source = source
        self._process = process
        self._rest = b""

    def read(self, descriptor: int) -> bool:
        """Take what is there; return False at the end of the output."""
        piece = os.read(descriptor, _PIECE)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if not piece and self._rest:
            lines, self._rest = [self._rest], b""
        for line in lines:
            text = line.decode(errors="replace")
            self._journal.write(text, unit=self._unit, source=self._source, process=self._process)
        return bool(piece)


def start_kernel_log() -> None:
    """Begin the kernel log of a boot."""
    release = os.uname().release
    lines = (f"Linux version {release} (edgectl lab host)", "Command line: edgectl.lab=1 quiet")
    text = "".join(f"6,{number},{number * 1000},-;{line}\n" for number, line in enumerate(lines))
    KERNEL_LOG.write_text(text, encoding="utf-8")
    Path("/dev/kmsg").symlink_to(KERNEL_LOG)
