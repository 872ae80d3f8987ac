"""What lineinfile decides: from the lines of a file to the lines as they should be. Nothing is touched."""

from __future__ import annotations

import re

from edgectl.remote.lean import Any, NamedTuple


class Wish(NamedTuple):
    """Which line should be there, and where; texts are bytes, as in the file."""

    line: bytes = b""
    regexp: Any = None  # compiled
    search: bytes | None = None
    after: Any = None  # compiled, or "BOF" or "EOF"
    before: Any = None  # compiled, or "BOF" or "EOF"
    backrefs: bool = False
    firstmatch: bool = False


class Edit(NamedTuple):
    """The new lines, and Ansible's word for what was done to them, empty for nothing."""

    lines: list[bytes]
    msg: str = ""


def with_line(lines: list[bytes], wish: Wish) -> Edit:
    """Replace the line that matches, else insert one at its place, unless it is there already.

    As with Ansible the last match counts, or the first with `firstmatch`; a line that is equal to the wanted
    one is as good as a match where nothing matches.
    """
    at, match = _matched(lines, wish)
    anchor = None
    if at is None:
        at, anchor = _equal_or_anchor(lines, wish)
    if at is not None:
        new = match.expand(wish.line) if wish.backrefs and match is not None else wish.line
        return _replaced(lines, at, new if new.endswith(b"\n") else new + b"\n")
    if wish.backrefs:
        return Edit(lines)
    return _inserted(lines, anchor, wish)


def without_lines(lines: list[bytes], wish: Wish) -> Edit:
    """Leave out every line that matches, or that is equal where there is no pattern."""
    kept = [line for line in lines if not _is_unwanted(line, wish)]
    gone = len(lines) - len(kept)
    return Edit(kept, f"{gone} line(s) removed" if gone else "")


def _is_unwanted(line: bytes, wish: Wish) -> bool:
    if wish.regexp is not None:
        return bool(wish.regexp.search(line))
    if wish.search is not None:
        return wish.search in line
    return line.rstrip(b"\r\n") == wish.line


def _matched(lines: list[bytes], wish: Wish) -> tuple[int | None, Any]:
    """Return where the pattern or text is found, and the match that `backrefs` needs."""
    found: tuple[int | None, Any] = (None, None)
    for number, line in enumerate(lines):
        match = wish.regexp.search(line) if wish.regexp is not None else None
        if match is not None or (wish.search is not None and wish.search in line):
            found = (number, match)
            if wish.firstmatch:
                break
    return found


def _equal_or_anchor(lines: list[bytes], wish: Wish) -> tuple[int | None, int | None]:
    """Return where an equal line is, and where a new one would go by `insertafter` or `insertbefore`."""
    pattern = wish.after if wish.after is not None else wish.before
    at, anchor = None, None
    for number, line in enumerate(lines):
        if line.rstrip(b"\r\n") == wish.line:
            at = number
        elif isinstance(pattern, re.Pattern) and pattern.search(line):
            anchor = number + 1 if wish.after is not None else number
            if wish.firstmatch:
                break
    return at, anchor


def _replaced(lines: list[bytes], at: int, new: bytes) -> Edit:
    if lines[at] == new:
        return Edit(lines)
    return Edit([*lines[:at], new, *lines[at + 1 :]], "line replaced")


def _inserted(lines: list[bytes], anchor: int | None, wish: Wish) -> Edit:
    new = wish.line + b"\n"
    if "BOF" in (wish.after, wish.before):
        return Edit([new, *lines], "line added")
    if anchor is None:
        anchor = len(lines)
    elif wish.after is not None and anchor < len(lines) and lines[anchor].rstrip(b"\r\n") == wish.line:
        return Edit(lines)
    above = lines[:anchor]
    if above and not above[-1].endswith((b"\n", b"\r")):
        above[-1] += b"\n"
    return Edit([*above, new, *lines[anchor:]], "line added")
