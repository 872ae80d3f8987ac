"""The truth about a job at its host: an append-only file of events, and who is running it now.

`runs/<job>/journal.jsonl` starts with the job's digest. A lock on `live` beside it is held by the runner for as
long as it lives, so the kernel tells a running job from a dead one; its process id is written there. Whoever does
not hold it only reads.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time

from edgectl.remote import durable
from edgectl.remote.context import HostPaths
from edgectl.remote.lean import Any, Dict, Iterator, List, Optional, Sequence, suppress
from edgectl.remote.protocol import Ended, Message, TaskEnded, TaskStarted, decode_message
from edgectl.remote.wire_json import dumps, loads

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


class Unwritable(Exception):  # noqa: N818 - what is the case, as the outcome's reason says it
    """An event could not be written down, so the job must stop where it is."""


class Journal:
    """One job's journal, opened for writing by the runner that holds it."""

    def __init__(self, folder: str, fd: int, live: int, lines: List[str]) -> None:
        self.folder = folder
        self._fd = fd
        self._live = live
        self._size_bytes = os.fstat(fd).st_size
        self.lines = lines
        self.last_seq = int(loads(lines[-1])["seq"]) if len(lines) > 1 else 0

    def messages(self) -> List[Message]:
        """Return the events so far, oldest first."""
        return events(self.lines)

    def name_runner(self) -> None:
        """Write down that this process is the one that runs the job."""
        os.ftruncate(self._live, 0)
        os.pwrite(self._live, f"{os.getpid()} {_start_of(os.getpid())}".encode(), 0)

    def append(self, text: str, *, durable: bool) -> None:
        """Write one event; `durable` waits until it would survive a power cut. Raises `Unwritable`."""
        raw = text.encode() + b"\n"
        try:
            rest = memoryview(raw)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            if durable:
                os.fsync(self._fd)
        except OSError as error:
            with suppress(OSError):  # half a line would join the next one
                os.ftruncate(self._fd, self._size_bytes)
            raise Unwritable(f"the journal cannot be written: {error.strerror}") from None
        self._size_bytes += len(raw)


def folder_of(paths: HostPaths, job: str) -> str:
    """Return where a job's things lie."""
    return os.path.join(paths.runs, job)


def create(folder: str, head: Dict[str, Any], past: Sequence[str] = ()) -> Optional[Journal]:
    """Start a journal and hold it, or return None where this job was started before. `past` are its first events.

    It is made beside and renamed, so that whoever comes at the same time finds none or a whole one that is
    held already; the rename decides. Raises `OSError`.
    """
    if os.path.isdir(folder):
        return None
    os.makedirs(os.path.dirname(folder), _PRIVATE_FOLDER, exist_ok=True)
    beside = f"{folder}.{os.urandom(4).hex()}.new"
    os.mkdir(beside, _PRIVATE_FOLDER)
    try:
        live = _locked(beside)
        fd = os.open(_path(beside), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, _PRIVATE_FILE)
        first = dumps({"seq": 0, "at": round(time.time(), 3), **head})
        journal = Journal(folder, fd, live, [first, *past])
        journal.append("\n".join([first, *past]), durable=True)
        os.rename(beside, folder)
        durable.sync(os.path.dirname(folder))
    except (OSError, Unwritable) as error:
        for path in (_path(beside), _live(beside)):
            with suppress(OSError):
                os.unlink(path)
        with suppress(OSError):
            os.rmdir(beside)
        if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            return None
        raise
    return journal


def done_before(found: List[str]) -> List[str]:
    """Return the events of a job that failed without its last task and what came after: what need not be done again.

    A task that was cut off by a cancel stays as it is: begun, and without an end.
    """
    past = events(found)
    failed = next((event for event in reversed(past) if isinstance(event, TaskEnded)), None)
    if failed is None or failed.status != "failed":
        return [text for text, event in zip(found[1:], past) if not isinstance(event, Ended)]
    begun = [turn for turn, event in enumerate(past) if _begins(event, failed.number)]
    return found[1 : 1 + begun[-1]] if begun else found[1:1]


def _begins(event: Message, number: int) -> bool:
    return isinstance(event, TaskStarted) and event.number == number


def reopen(folder: str, live: int) -> Journal:
    """Open the journal of a job that we hold, to continue it. A last line cut short by a power loss goes."""
    found = list(lines(folder))
    fd = os.open(_path(folder), os.O_WRONLY | os.O_APPEND)
    os.ftruncate(fd, sum(len(line) + 1 for line in found))
    return Journal(folder, fd, live, found)


def lines(folder: str) -> Iterator[str]:
    """Yield the lines that were written to their end."""
    with open(_path(folder), "rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):
                yield line[:-1].decode("ascii", "replace")


def head(found: List[str]) -> Dict[str, Any]:
    """Return what a journal's first line says of its job, or nothing where it is damaged."""
    try:
        first = loads(found[0])
    except (IndexError, ValueError):
        return {}
    return first if isinstance(first, dict) and "digest" in first else {}


def events(found: List[str]) -> List[Message]:
    """Return the events in a journal's lines. `ValueError` where one is damaged."""
    return [decode_message(line) for line in found[1:]]


def is_finished(messages: List[Message]) -> bool:
    """Tell whether the job came to its own end."""
    return any(isinstance(message, Ended) for message in messages)


def hold(folder: str) -> Optional[int]:
    """Become the one who runs this job; None where another process is. Held until this process ends."""
    try:
        return _locked(folder)
    except BlockingIOError:
        return None


def _locked(folder: str) -> int:
    fd = os.open(_live(folder), os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise
    return fd


def runner_of(folder: str) -> Optional[int]:
    """Return the number of the process that runs this job, and of its session; None where it has become another's.

    While a process of the session lives, the kernel gives the number to nobody else.
    """
    with suppress(OSError, ValueError):
        with open(_live(folder)) as stream:
            pid, started = (int(word) for word in stream.read().split())
        try:
            return pid if _start_of(pid) == started else None
        except FileNotFoundError:
            return pid
    return None


def _start_of(pid: int) -> int:
    """Return when a process started, in ticks since the boot: field 22 of proc(5)'s stat."""
    with open(f"/proc/{pid}/stat", "rb") as stream:
        return int(stream.read().rpartition(b")")[2].split()[19])


def follow(folder: str) -> Iterator[Optional[str]]:
    """Yield each event as it is written, and None where there is none yet; without end."""
    with open(_path(folder), "rb") as stream:
        stream.readline()
        while True:
            at = stream.tell()
            line = stream.readline()
            if line.endswith(b"\n"):
                yield line[:-1].decode("ascii", "replace")
            else:
                stream.seek(at)
                yield None


def _path(folder: str) -> str:
    return os.path.join(folder, "journal.jsonl")


def _live(folder: str) -> str:
    return os.path.join(folder, "live")
