"""Whether files are still as they were, at the price of one `stat` each.

A stamp holds all that the file system changes along with a file's content: times of content and inode to the
nanosecond, size, and which inode it is. The inode's time cannot be set back by anybody, so a changed file that
keeps its stamp was changed within one tick of the file system's clock after it was read. Hence git's rule: a file
as young as that when it was read is never trusted by its stamp, and its content is compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from stat import S_ISDIR

# The coarsest clock of a file system in use, FAT's, ticks every two seconds.
_TICK_NS = 2_000_000_000
# Equal to no stamp.
NEVER = "?"

Stamps = Mapping[str, str]


def stamps(source: Path, now_ns: int) -> dict[str, str]:
    """Return the stamp of each file that an inventory has at `now_ns`, by its path in the inventory's folder.

    The path of an inventory that is one file is ''. `OSError` where anything cannot be looked at.
    """
    found = source.stat()
    if not S_ISDIR(found.st_mode):
        return {"": _stamp(found, now_ns)}
    return dict([*_in(source, "", now_ns), *_in(source / "pops", "pops/", now_ns)])


def _in(folder: Path, prefix: str, now_ns: int) -> Iterator[tuple[str, str]]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        # By names in an open folder: half as dear as by whole paths.
        for name in os.listdir(handle):  # noqa: PTH208 - pathlib has no open folders
            # A *.yml is a mistake that a fresh reading tells.
            if name.endswith((".yaml", ".yml")):
                yield prefix + name, _stamp(os.stat(name, dir_fd=handle), now_ns)
    finally:
        os.close(handle)


def _stamp(found: os.stat_result, now_ns: int) -> str:
    mtime_ns, ctime_ns = found.st_mtime_ns, found.st_ctime_ns
    young_ns = now_ns - _TICK_NS
    if mtime_ns >= young_ns or ctime_ns >= young_ns:
        return NEVER
    return f"{mtime_ns} {ctime_ns} {found.st_size} {found.st_ino}"
