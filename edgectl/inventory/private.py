"""Files that nobody but their owner can have written or read."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISREG

_OTHERS = 0o077


class SharedError(OSError):
    """A file or folder is somebody else's, or open to others."""


def make_private(folder: Path) -> None:
    """Make a folder for its owner alone, or raise `SharedError` where there is another already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_shared(folder)


def read_private(path: Path) -> bytes:
    """Return what a private file in a private folder holds; `SharedError` for any other, `OSError` where none is."""
    _refuse_shared(path.parent)
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not S_ISREG(found.st_mode) or _is_shared(found):
            raise SharedError(f"{path} is not this user's alone")
        return file.read()


def write_private(path: Path, content: bytes) -> None:
    """Write a file beside its place and rename it there. It is not synced: who reads it checks what it holds."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest files of a folder, those left behind by who died writing included."""
    newest_first = sorted(folder.iterdir(), key=lambda path: path.lstat().st_mtime_ns, reverse=True)
    for path in newest_first[count:]:
        path.unlink()


def _refuse_shared(folder: Path) -> None:
    found = folder.lstat()
    if not S_ISDIR(found.st_mode) or _is_shared(found):
        raise SharedError(f"{folder} is not this user's alone; remove it")


def _is_shared(found: os.stat_result) -> bool:
    return found.st_uid != os.geteuid() or bool(S_IMODE(found.st_mode) & _OTHERS)
