"""Lines of fstab(5) and of /proc/self/mountinfo (proc(5)). Nothing is touched."""

from __future__ import annotations

import re

from edgectl.remote.lean import NamedTuple

_FEWEST, _MOST = 4, 6
_ESCAPES = (("\\", "\\134"), (" ", "\\040"), ("&", "\\046"))


class Line(NamedTuple):
    """One filesystem, as a person writes it."""

    src: str
    path: str
    fstype: str
    opts: str = "defaults"
    dump: str = "0"
    passno: str = "0"

    def written(self) -> str:
        """Return the line with what would part a field escaped."""
        return " ".join(map(_escaped, self)) + "\n"


def with_line(text: str, wanted: Line) -> str:
    """Return the file with one line for the place, where its old one was; one that says the same stays as it is."""
    lines = text.splitlines(keepends=True)
    mine = [number for number, line in enumerate(lines) if _is_for(line, wanted)]
    if not mine:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        return "".join([*lines, wanted.written()])
    for number in mine:
        if _fields(lines[number]) != tuple(map(_escaped, wanted)):
            lines[number] = wanted.written()
    return "".join(lines)


def without(text: str, unwanted: Line) -> str:
    """Return the file without a line for the place."""
    return "".join(line for line in text.splitlines(keepends=True) if not _is_for(line, unwanted))


def _is_for(line: str, wanted: Line) -> bool:
    """Tell whether a line is for the place; swap has none, and goes by its device."""
    fields = _fields(line)
    if fields is None or fields[1] != _escaped(wanted.path):
        return False
    is_swap = fields[1] == "none" and fields[2] == "swap"
    return not (is_swap and wanted.src) or fields[0] == wanted.src


def _fields(line: str) -> tuple[str, ...] | None:
    # A # within a word is part of it, as in the options of a share.
    words = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].split()
    if not _FEWEST <= len(words) <= _MOST:
        return None
    return (*words, *["0"] * (_MOST - len(words)))


def _escaped(text: str) -> str:
    for plain, code in _ESCAPES:
        text = text.replace(plain, code)
    return text


def mounted_source(path: str) -> str | None:
    """Return what is mounted at a place, the last of several, or None; a bind mount's is the folder it shows."""
    found = None
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            fields = line.split()
            if fields[4] == _escaped(path.rstrip("/") or "/"):
                found = fields[3] if fields[3] != "/" else fields[fields.index("-") + 2]
    return found
