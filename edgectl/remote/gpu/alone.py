"""One process of ours at NVIDIA's driver at a time: a kernel lock that lasts as long as whoever asks the driver.

A process that a sick GPU holds in the kernel cannot be killed and keeps the lock, so the next collector sees that
it should not send another one after it.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import NamedTuple, Optional, Sequence

from edgectl.remote.gpu.readings import UnansweredError

_NAME = "gpu-driver.lock"
_POLL_S, _LATE_POLLS = 0.02, 10
# How long after its own deadline a process that can be killed is gone.
_GRACE_S = 3.0
_TEXT_BYTES = 64


class Lock:
    """The lock while it is held; `close` gives up our part of it, a process that we started keeps its own."""

    def __init__(self, fd: int, until: float) -> None:
        self.fd = fd
        self._until = until

    def note(self, pid: int) -> None:
        """Leave who asks the driver, and until when it may, for those who find the lock taken."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{pid} {self._until:.3f}".encode("ascii"), 0)

    def close(self) -> None:
        """Let go."""
        os.close(self.fd)


class _Holder(NamedTuple):
    pid: str
    until: float


def take(folders: Sequence[str], wait_s: float, hold_s: float) -> Optional[Lock]:
    """Return the lock from the first of our own folders that can be written; None where none can.

    `hold_s` is how long we may keep it. Raises `UnansweredError` where another process has it: as one that hangs
    where that one should have been gone by now.
    """
    fd = _opened(folders)
    if fd is None:
        return None
    give_up, late = time.monotonic() + wait_s, 0
    while not _is_taken_by_us(fd):
        holder = _holder(fd)
        # Between taking the lock and saying so, a holder looks like the one before it.
        late = late + 1 if time.time() > holder.until + _GRACE_S else 0
        is_stuck = late > _LATE_POLLS
        if is_stuck or time.monotonic() > give_up:
            os.close(fd)
            what = "still waits for the driver" if is_stuck else "is asking the driver"
            raise UnansweredError(f"process {holder.pid} of an earlier look {what}", hung=is_stuck)
        time.sleep(_POLL_S)
    lock = Lock(fd, time.time() + hold_s)
    lock.note(os.getpid())
    return lock


def _is_taken_by_us(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(fd: int) -> _Holder:
    """Return who has the lock; one that has said nothing yet has only just taken it."""
    words = os.pread(fd, _TEXT_BYTES, 0).decode("ascii", "replace").split()
    if len(words) == len(_Holder._fields):
        return _Holder(words[0], float(words[1]))
    return _Holder("?", os.fstat(fd).st_mtime)


def _opened(folders: Sequence[str]) -> Optional[int]:
    found = (_opened_in(folder) for folder in folders)
    return next((fd for fd in found if fd is not None), None)


def _opened_in(folder: str) -> Optional[int]:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return os.open(os.path.join(folder, _NAME), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
