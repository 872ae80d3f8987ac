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
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            # A *.yml is a mistake that a fresh reading tells.
            if entry.name.endswith((".yaml", ".yml")):
                yield prefix + entry.name, _stamp(entry.stat(), now_ns)


def _stamp(found: os.stat_result, now_ns: int) -> str:
    mtime_ns, ctime_ns = found.st_mtime_ns, found.st_ctime_ns
    if now_ns - max(mtime_ns, ctime_ns) <= _TICK_NS:
        return NEVER
    return f"{mtime_ns} {ctime_ns} {found.st_size} {found.st_ino} {found.st_dev}"
