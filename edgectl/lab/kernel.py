"""The few Linux calls a lab needs and Python 3.11 does not have: namespaces, mounts, `prctl`.

Every call raises `OSError` with the call's name and what it was applied to.
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

NEW_MOUNTS = 0x00020000
NEW_UTS = 0x04000000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000

READ_ONLY = 0x1
NO_SUID = 0x2
NO_DEV = 0x4
NO_EXEC = 0x8
REMOUNT = 0x20
NO_ATIME = 0x400
NO_DIR_ATIME = 0x800
BIND = 0x1000
RECURSIVE = 0x4000
PRIVATE = 0x40000
RELATIME = 0x200000

_DETACH = 2
_SET_PARENT_DEATH_SIGNAL = 1
_SET_NAME = 15
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_FLAGS_BY_OPTION = {
    "ro": READ_ONLY,
    "nosuid": NO_SUID,
    "nodev": NO_DEV,
    "noexec": NO_EXEC,
    "noatime": NO_ATIME,
    "nodiratime": NO_DIR_ATIME,
    "relatime": RELATIME,
}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str, subject: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", subject)


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags`; new processes, for `NEW_PIDS`."""
    _check(_libc.unshare(flags), "unshare", hex(flags))


def enter(namespace_fd: int, kind: int) -> None:
    """Enter the namespace an open `/proc/PID/ns/…` file stands for."""
    _check(_libc.setns(namespace_fd, kind), "setns", hex(kind))


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` at `target`, as the system call of this name does."""
    result = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _check(result, f"mount {kind or 'bind'} {source}", str(target))


def bind(source: Path, target: Path) -> None:
    """Show `source`, with everything mounted below it, at `target` as well."""
    mount(str(source), target, flags=BIND | RECURSIVE)


def make_read_only(target: Path) -> None:
    """Refuse every write at `target` and at everything mounted below it."""
    for place, flags in _mounts_below(target):
        mount("none", place, flags=flags | REMOUNT | BIND | READ_ONLY)


def _mounts_below(top: Path) -> list[tuple[Path, int]]:
    # A user namespace may add flags to a mount it inherited but never drop one, so all are repeated.
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        place = Path(fields[4].encode().decode("unicode_escape"))
        if place == top or top in place.parents:
            flags = sum(_FLAGS_BY_OPTION.get(option, 0) for option in fields[5].split(","))
            found.append((place, flags))
    return found


def make_mounts_private() -> None:
    """Keep what is mounted from now on inside this mount namespace."""
    mount("none", Path("/"), flags=PRIVATE | RECURSIVE)


def change_root(new_root: Path) -> None:
    """Make the mount at `new_root` the only filesystem tree; the old one is let go."""
    os.chdir(new_root)
    number = _PIVOT_ROOT.get(os.uname().machine, 155)
    _check(_libc.syscall(number, b".", b"."), "pivot_root", str(new_root))
    _check(_libc.umount2(b".", _DETACH), "umount", "the old root")
    os.chdir("/")


def unmount(target: Path) -> None:
    """Take away the mount at `target`, now or when its last user is gone."""
    _check(_libc.umount2(os.fsencode(target), _DETACH), "umount", str(target))


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends for whatever reason; at once if process `parent` already has.

    The kernel forgets this when a process changes its user: say it again afterwards.
    """
    _check(_libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0), "prctl", "parent death signal")
    if os.getppid() != parent:
        os._exit(1)


def name_process(name: str) -> None:
    """Show `name` in process lists; the kernel keeps 15 characters."""
    _check(_libc.prctl(_SET_NAME, name.encode()[:15], 0, 0, 0), "prctl", name)
