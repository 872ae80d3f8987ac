"""Each state that the module `file` knows: read, compare, act."""

from __future__ import annotations

import os
import stat
import time

from edgectl.remote import files, ownership
from edgectl.remote.context import TaskContext
from edgectl.remote.lean import Any, Iterator, NamedTuple, suppress
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed

NOW = float("inf")


class Wish(NamedTuple):
    """What should be at a path."""

    path: str
    state: str
    src: str | None
    attributes: Attributes
    times: tuple[float | None, float | None]
    force: bool
    follow: bool
    recurse: bool


def moment(text: str, form: str) -> float | None:
    """Return seconds since 1970, None for "preserve" and NOW for "now"; `ValueError` for what is no time."""
    if text == "preserve":
        return None
    return NOW if text == "now" else time.mktime(time.strptime(text, form))


def absent(wish: Wish, context: TaskContext) -> TaskResult:
    """Nothing may be there; a folder goes with all that is in it, a link without what it points to."""
    found = ownership.state(wish.path)
    values = {"path": wish.path, "state": "absent"}
    if found == "absent":
        return TaskResult(values=values)
    diff = _diff(wish.path, found, "absent", context)
    if not context.check:
        if found == "directory":
            import shutil  # dear, and seldom needed

            shutil.rmtree(wish.path)
        else:
            with suppress(FileNotFoundError):
                os.unlink(wish.path)
        if os.path.lexists(wish.path):
            return failed(f"{wish.path} is there again: something else makes it", **values)
    return TaskResult(changed=True, values=values, diff=diff)


def file(wish: Wish, context: TaskContext) -> TaskResult:
    """A file must be there already; only its mode, owner and times are set."""
    path = _followed(wish)
    found = ownership.state(path)
    if found not in ("file", "hard"):
        return failed(f"file ({path}) is {found}, cannot continue", path=path, state=found)
    return TaskResult(_dress(path, wish, context), values={"path": path})


def touch(wish: Wish, context: TaskContext) -> TaskResult:
    """Something must be there, an empty file if need be, with the times of now."""
    found = ownership.state(wish.path)
    diff = _diff(wish.path, found, "touch", context)
    values = {"dest": wish.path}
    if found == "absent" and context.check:
        return TaskResult(changed=True, values=values, diff=diff)
    if found == "absent":
        with open(wish.path, "xb"):
            pass
    changed = _dress(_followed(wish), wish, context)
    return TaskResult(changed or found == "absent", values=values, diff=diff)


def directory(wish: Wish, context: TaskContext) -> TaskResult:
    """A folder must be there; missing ones above it are made alike."""
    path = _followed(wish)
    found = ownership.state(path)
    diff = _diff(path, found, "directory", context)
    values = {"path": path}
    if found not in ("absent", "directory"):
        return failed(f"{path} already exists as a {found}: remove it first", **values)
    if found == "absent" and context.check:
        return TaskResult(changed=True, values=values, diff=diff)
    if found == "absent":
        _make_folders(path, wish, context)
    changed = _dress(path, wish, context)
    if wish.recurse:
        for inner in _below(path, follow=wish.follow):
            changed |= _dress(inner, wish, context)
    return TaskResult(
        changed or found == "absent", values=values, diff=diff if changed or found == "absent" else None
    )


def link(wish: Wish, context: TaskContext) -> TaskResult:
    """A symbolic or hard link to `src` must be there."""
    found = ownership.state(wish.path)
    source = wish.src
    if source is None and wish.follow and found == "link":
        source = os.readlink(wish.path)
    values = {"dest": wish.path, "src": source}
    problem = _why_not_link(wish, found, source)
    if problem:
        return failed(problem, **values)
    made = _differs(wish, found, source)
    diff = _diff(wish.path, found, wish.state, context) if made else None
    if made and not context.check:
        files.link_atomically(wish.path, str(source), hard=wish.state == "hard")
    if context.check and not os.path.exists(wish.path):
        return TaskResult(made, values=values, diff=diff)
    path = _followed(wish)
    dressed = os.path.lexists(path) and not (made and context.check) and _dress(path, wish, context)
    return TaskResult(made or dressed, values=values, diff=diff)


def _why_not_link(wish: Wish, found: str, source: str | None) -> str:
    """Return what forbids the link, or an empty text."""
    path = wish.path
    if source is None:
        return "" if found == wish.state else f"src is required for creating new {wish.state} links"
    target = source if wish.state == "hard" else os.path.join(_base(path), source)
    if not os.path.exists(target) and (wish.state == "hard" or not wish.force):
        hint = "" if wish.state == "hard" else ", use 'force=yes' if you really want to create the link"
        return f"src file does not exist{hint}: {target}"
    if found == "directory":
        if not wish.force:
            return f"refusing to convert from {found} to {wish.state} link for {path}: 'force' would allow it"
        return f"the directory {path} is not empty, refusing to convert it" if os.listdir(path) else ""
    replaces = found in ("file", "hard") and _differs(wish, found, source)
    if replaces and not wish.force:
        return f"refusing to convert from {found} to {wish.state} link for {path}: 'force' would allow it"
    return ""


def _base(path: str) -> str:
    """Return the folder that a relative link is relative to."""
    return path if os.path.isdir(path) and not os.path.islink(path) else os.path.dirname(path)


def _differs(wish: Wish, found: str, source: str | None) -> bool:
    if source is None:
        return False
    if wish.state == "link":
        return found != "link" or os.readlink(wish.path) != source
    return found in ("absent", "link") or not os.path.samefile(wish.path, source)


def _followed(wish: Wish) -> str:
    return os.path.realpath(wish.path) if wish.follow and os.path.islink(wish.path) else wish.path


def _make_folders(path: str, wish: Wish, context: TaskContext) -> None:
    above = os.path.dirname(path.rstrip("/"))
    if above and not os.path.isdir(above):
        _make_folders(above, wish, context)
    with suppress(FileExistsError):
        os.mkdir(path)
    _dress(path, wish, context)


def _below(path: str, *, follow: bool) -> Iterator[str]:
    """Walk all that is below a folder; with `follow` also what links point to, each folder once."""
    seen = set()
    for folder, folders, names in os.walk(path, followlinks=follow):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in folders + names:
            inner = os.path.join(folder, name)
            yield inner
            if follow and os.path.islink(inner) and os.path.exists(inner):
                yield os.path.realpath(inner)


def _dress(path: str, wish: Wish, context: TaskContext) -> bool:
    """Set mode, owner and times of one path and tell whether any differed."""
    if not os.path.lexists(path):
        return False
    changed = ownership.set_attributes(path, wish.attributes, check=context.check, follow=False)
    return _set_times(path, wish.times, context) or changed


def _set_times(path: str, times: tuple[float | None, float | None], context: TaskContext) -> bool:
    if times == (None, None) or not os.path.exists(path):
        return False
    found = os.stat(path)
    before = (found.st_atime, found.st_mtime)
    now = time.time()
    atime, mtime = (old if new is None else min(new, now) for new, old in zip(times, before))
    if (atime, mtime) == before:
        return False
    if not context.check:
        # Without times any user who may write to the file may touch it.
        os.utime(path, None if times == (NOW, NOW) else (atime, mtime))
    return True


def _diff(path: str, before: str, after: str, context: TaskContext) -> dict[str, str] | None:
    """Return the two states as Ansible shows them, with what is in a folder that goes."""
    if not context.diff or before == after:
        return None
    import json

    sides: dict[str, dict[str, Any]] = {
        "before": {"path": path, "state": before},
        "after": {"path": path, "state": after},
    }
    if (before, after) == ("directory", "absent"):
        below = sorted(_below(path, follow=False))
        folders = [inner for inner in below if stat.S_ISDIR(os.lstat(inner).st_mode)]
        sides["before"]["path_content"] = {
            "directories": folders,
            "files": sorted(set(below) - set(folders)),
        }
    shown = {side: json.dumps(value, indent=4, sort_keys=True) + "\n" for side, value in sides.items()}
    return {**shown, "before_header": path, "after_header": path}
