"""The truth about a job at its host: an append-only file of events, and who is running it now.

`runs/<run>/journal.jsonl` starts with the job's digest. A lock on `runs/<run>/live` is held by the runner for
as long as it lives, so the kernel tells a running job from a dead one.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import Any, Dict, Iterator, List, Optional

from edgectl.remote.protocol import Ended, Message, decode_message

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


class Journal:
    """One job's journal, opened for writing by the runner that holds it."""

    def __init__(self, folder: str, fd: int, lines: List[str]) -> None:
        self.folder = folder
        self._fd = fd
        self.lines = lines
        self.last_seq = int(json.loads(lines[-1])["seq"]) if len(lines) > 1 else 0

    @property
    def digest(self) -> str:
        """The digest of the job that was started here."""
        return str(json.loads(self.lines[0])["digest"])

    def messages(self) -> List[Message]:
        """Return the events so far, oldest first."""
        return [decode_message(line) for line in self.lines[1:]]

    def append(self, text: str, *, durable: bool) -> None:
        """Write one event; `durable` waits until it would survive a power cut. Raises `OSError`."""
        os.write(self._fd, text.encode() + b"\n")
        if durable:
            os.fsync(self._fd)


def create(folder: str, head: Dict[str, Any]) -> Optional[Journal]:
    """Start a journal, or return None where this job was started before: the exclusive create decides."""
    try:
        os.makedirs(os.path.dirname(folder), _PRIVATE_FOLDER, exist_ok=True)
        os.mkdir(folder, _PRIVATE_FOLDER)
    except FileExistsError:
        return None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
    fd = os.open(_path(folder), flags, _PRIVATE_FILE)
    first = json.dumps({"seq": 0, **head})
    journal = Journal(folder, fd, [first])
    journal.append(first, durable=True)
    return journal


def reopen(folder: str) -> Journal:
    """Open an existing journal to continue it. A last line cut short by a power loss is dropped."""
    lines = list(complete_lines(folder))
    fd = os.open(_path(folder), os.O_WRONLY | os.O_APPEND)
    os.ftruncate(fd, sum(len(line.encode()) + 1 for line in lines))
    return Journal(folder, fd, lines)


def complete_lines(folder: str) -> Iterator[str]:
    """Yield the lines that were written to their end."""
    with open(_path(folder), encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield line[:-1]


def is_finished(messages: List[Message]) -> bool:
    """Tell whether the job came to its own end."""
    return any(isinstance(message, Ended) for message in messages)


def hold(folder: str) -> bool:
    """Become the runner of this job; False where another process is. Held until this process ends."""
    fd = os.open(os.path.join(folder, "live"), os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return False
    return True


def _path(folder: str) -> str:
    return os.path.join(folder, "journal.jsonl")
