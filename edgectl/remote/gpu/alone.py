"""One process of ours at NVIDIA's driver at a time: a kernel lock that lasts as long as whoever asks the driver.

A process that a sick GPU holds in the kernel cannot be killed and keeps the lock, so the next collector sees that
it should not send another one after it.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import Optional, Sequence

from edgectl.remote.gpu.readings import UnansweredError

_NAME = "gpu-driver.lock"
_POLL_S = 0.02
# Longer than any deadline for a driver: whoever still has the lock then was told to die long ago.
_STUCK_S = 90.0


class Lock:
    """The lock while it is held; `close` gives up our part of it, a process that we started keeps its own."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def note(self, pid: int) -> None:
        """Leave the number of the process that asks the driver, for those who find the lock taken."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, str(pid).encode("ascii"), 0)

    def close(self) -> None:
        """Let go."""
        os.close(self.fd)


def take(folders: Sequence[str], wait_s: float) -> Optional[Lock]:
    """Return the lock from the first of our own folders that can be written; None where none can.

    Raises `UnansweredError` where another process has it for good.
    """
    fd = _opened(folders)
    if fd is None:
        return None
    until = time.monotonic() + wait_s
    while not _is_taken_by_us(fd):
        since_s = time.time() - os.fstat(fd).st_mtime
        if since_s > _STUCK_S or time.monotonic() > until:
            pid = os.pread(fd, 20, 0).decode("ascii", "replace")
            os.close(fd)
            raise UnansweredError(f"process {pid} of an earlier look still waits for the driver", hung=True)
        time.sleep(_POLL_S)
    os.utime(fd)
    return Lock(fd)


def _is_taken_by_us(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(folders: Sequence[str]) -> Optional[int]:
    found = (_opened_in(folder) for folder in folders)
    return next((fd for fd in found if fd is not None), None)


def _opened_in(folder: str) -> Optional[int]:
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return os.open(os.path.join(folder, _NAME), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
