"""One lock per machine, whoever logs in: two runs never change one host at the same time.

It is a kernel lock on a folder that is always there and belongs to nobody's job, so that it can be neither stale
nor forged nor removed. Who holds it is written beside it, into a file per process.
"""

from __future__ import annotations

import fcntl
import os
import time

from edgectl.remote import durable
from edgectl.remote.context import HostPaths
from edgectl.remote.lean import Any, Dict, Iterator, NamedTuple, Optional, Union, suppress
from edgectl.remote.wire_json import dumps, loads

# A record is overwritten in place, in one write.
_RECORD_BYTES = 2048
_PREFIX = "edgectl-holder-"
# A clock that jumped must not make a reboot last for ever.
_LONGEST_REBOOT_S = 6 * 3600.0


class Holder(NamedTuple):
    """Who holds a host, what it is doing there, and since when (seconds, the host's clock)."""

    run: str
    job: str
    by: str
    task: str = ""
    since: float = 0.0

    def told(self) -> Dict[str, Any]:
        """Return this for whoever was refused."""
        held = {"held_s": round(time.time() - self.since, 1)} if self.since else {}
        return {**self._asdict(), **held}


class HostLock:
    """The lock, held until this process ends."""

    def __init__(self, path: str, record: int, holder: Holder) -> None:
        self.holder = holder._replace(by=holder.by[:80], since=time.time())
        self._path = path
        self._record = record
        self.doing("")

    def doing(self, task: str) -> None:
        """Say which task is running now."""
        text = dumps(self.holder._replace(task=task[:120])).encode().ljust(_RECORD_BYTES)
        with suppress(OSError):  # who holds the lock is a courtesy, the lock is the kernel's
            os.pwrite(self._record, text, 0)

    def forget(self) -> None:
        """Take the record away; the lock itself goes with the process."""
        with suppress(OSError):
            os.unlink(self._path)


def take(paths: HostPaths, holder: Holder, *, shared: bool) -> Union[HostLock, Holder]:
    """Take the machine's lock, or return who is in the way.

    Jobs of one run are never in each other's way: a run's own gate must not find its hosts busy. A host that goes
    down for the reboot of another run's job is that run's until it is back.
    """
    os.makedirs(paths.lock, 0o700, exist_ok=True)
    fd = os.open(paths.lock, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        others = list(_holders(paths))
        if not any(other.run == holder.run for other in others):
            return others[0] if others else Holder("", "", "")
    else:
        rebooting = _rebooting(paths)
        if rebooting is not None and rebooting.run != holder.run:
            os.close(fd)
            return rebooting
    path = os.path.join(paths.holders, f"{_PREFIX}{os.getpid()}")
    os.makedirs(paths.holders, 0o700, exist_ok=True)
    with suppress(FileNotFoundError):
        os.unlink(path)
    record = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    return HostLock(path, record, holder)


def _holders(paths: HostPaths) -> Iterator[Holder]:
    """Yield what living processes say of themselves; a file that is not its process's own says nothing."""
    for name in os.listdir(paths.holders) if os.path.isdir(paths.holders) else ():
        if not name.startswith(_PREFIX):
            continue
        path, process = os.path.join(paths.holders, name), f"/proc/{name[len(_PREFIX) :]}"
        with suppress(OSError, ValueError, TypeError):
            if not os.path.exists(process):
                os.unlink(path)  # its process was killed
            elif os.lstat(path).st_uid == os.stat(process).st_uid:
                with open(path) as stream:
                    yield Holder(*loads(stream.read()))


def expect_reboot(paths: HostPaths, holder: Holder, within_s: float) -> None:
    """Keep the host for this run until it is back, or `within_s` from now; it survives the boot."""
    record = {"holder": holder, "until": time.time() + within_s}
    os.makedirs(os.path.dirname(paths.rebooting), exist_ok=True)
    durable.write(paths.rebooting, dumps(record).encode(), 0o644)  # other users are to find it, too


def reboot_is_over(paths: HostPaths) -> None:
    """Let others have the host again."""
    with suppress(FileNotFoundError):
        os.unlink(paths.rebooting)


def _rebooting(paths: HostPaths) -> Optional[Holder]:
    try:
        with open(paths.rebooting) as stream:
            record = loads(stream.read())
        left_s = float(record["until"]) - time.time()
        return Holder(*record["holder"]) if 0 < left_s < _LONGEST_REBOOT_S else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
