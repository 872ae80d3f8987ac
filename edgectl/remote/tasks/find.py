"""Find files, folders or links below folders."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import time

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Iterator, Literal, suppress
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks import _found

REPEAT = "reads"
STARTS_NOTHING = True
_AGE_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE_BYTES = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_KINDS = {"directory": stat.S_ISDIR, "file": stat.S_ISREG, "link": stat.S_ISLNK, "any": bool}


@dataclass(frozen=True)
class Args:
    """Name the folders; what is found meets every condition."""

    paths: list[str] = arg(aliases=("name", "path"), doc="The folders to look in.")
    patterns: list[str] = arg(factory=list, aliases=("pattern",), doc="Its name matches one of these.")
    excludes: list[str] | None = arg(None, aliases=("exclude",), doc="Its name matches none of these.")
    use_regex: bool = arg(False, doc="These are regular expressions, not shell patterns.")
    contains: str | None = arg(None, doc="A line of the file begins with a match of this.")
    read_whole_file: bool = arg(False, doc="The match may be anywhere in the file, over lines too.")
    encoding: str | None = arg(None, doc="How the file is encoded, where contains is given.")
    file_type: Literal["any", "directory", "file", "link"] = arg("file", doc="What to look for.")
    age: str | None = arg(None, doc="At least so old, such as 2d or 1w; -2d is at most.")
    age_stamp: Literal["atime", "ctime", "mtime"] = arg("mtime", doc="What tells the age.")
    size: str | None = arg(None, doc="At least so large, such as 10m; -10m is at most.")
    mode: Mode | None = arg(None, doc='It has this mode, such as "0644".')
    exact_mode: bool = arg(True, doc="It has no other bits of the mode; no: it has one of them.")
    recurse: bool = arg(False, doc="Look in the folders below too.")
    depth: int | None = arg(None, doc="How many levels down, with recurse.")
    hidden: bool = arg(False, doc="Names that begin with a dot count too.")
    follow: bool = arg(False, doc="Follow symbolic links to folders.")
    get_checksum: bool = arg(False, doc="Tell the checksum of files.")
    checksum_algorithm: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = arg(
        "sha1", aliases=("checksum", "checksum_algo"), doc="Which checksum."
    )
    limit: int | None = arg(None, doc="Stop after so many.")

    def __post_init__(self) -> None:
        """Refuse amounts that are none."""
        amount(self.age, _AGE_S, "age")
        amount(self.size, _SIZE_BYTES, "size")
        if self.limit is not None and self.limit <= 0:
            raise ValueError("'limit' must be 1 or more; leave it out for all")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Return `files`, `matched`, `examined` and `skipped_paths`; names come in order, shallow folders first."""
    search = Search(args)
    for path in map(files.expanded, args.paths):
        if not os.path.isdir(path):
            search.skipped[path] = f"'{path}' is not a directory"
            continue
        try:
            search.look_in(path)
        except (re.error, LookupError, UnicodeDecodeError) as error:
            return failed(f"cannot look in {path}: {error}")
    msg = "Limit of matches reached" if search.is_full else "All paths examined"
    if search.skipped:
        msg = f"Not all paths examined: {'; '.join(search.skipped.values())}"
    found = {"files": search.found, "matched": len(search.found), "examined": search.examined}
    return ok(msg, skipped_paths=search.skipped, **found)


def amount(text: str | None, units: dict[str, int], name: str) -> int | None:
    """Return a number with its unit taken in; `ValueError` for what is none."""
    if text is None:
        return None
    match = re.fullmatch(rf"(-?\d+)([{''.join(units)}]?)", text.lower())
    if match is None:
        raise ValueError(
            f"'{name}' is a number and one of {', '.join(units)}, such as 10{min(units)}, not {text!r}"
        )
    return int(match[1]) * units[match[2] or min(units, key=lambda unit: units[unit])]


class Search:
    """What was found so far, and what could not be looked at."""

    def __init__(self, args: Args) -> None:
        self.found: list[dict[str, Any]] = []
        self.skipped: dict[str, str] = {}
        self.examined = 0
        self._args = args
        self._now = time.time()
        self._age_s = amount(args.age, _AGE_S, "age")
        self._size_bytes = amount(args.size, _SIZE_BYTES, "size")

    @property
    def is_full(self) -> bool:
        """Tell whether as many were found as were asked for."""
        return self._args.limit is not None and len(self.found) >= self._args.limit

    def look_in(self, top: str) -> None:
        """Add what is below one folder and meets the conditions."""
        for path in self._below(top):
            try:
                seen = os.lstat(path)
            except OSError as error:
                self.skipped[path] = str(error)
                continue
            if self._meets(path, seen):
                self.found.append(self._described(path, seen))
                if self.is_full:
                    return

    def _below(self, top: str) -> Iterator[str]:
        levels = top.rstrip("/").count("/")
        for folder, folders, names in os.walk(top, onerror=self._skip, followlinks=self._args.follow):
            folders.sort()
            self.examined += len(folders) + len(names)
            depth = os.path.normpath(folder).count("/") - levels + 1
            if not self._args.depth or depth <= self._args.depth:
                for name in [*sorted(names), *folders]:
                    if self._args.hidden or not name.startswith("."):
                        yield os.path.normpath(os.path.join(folder, name))
            if not self._args.recurse:
                return
            if self._args.depth and depth > self._args.depth:
                folders.clear()

    def _skip(self, error: OSError) -> None:
        self.skipped[str(error.filename)] = str(error)

    def _meets(self, path: str, seen: os.stat_result) -> bool:
        args = self._args
        kind = args.file_type
        return bool(
            _KINDS[kind](seen.st_mode)
            and _is_named(os.path.basename(path), args)
            and _is_beyond(self._now - getattr(seen, f"st_{args.age_stamp}"), self._age_s)
            and (not stat.S_ISREG(seen.st_mode) or _is_beyond(seen.st_size, self._size_bytes))
            and (kind != "file" or args.contains is None or _contains(path, args))
            and _has_mode(seen, args)
        )

    def _described(self, path: str, seen: os.stat_result) -> dict[str, Any]:
        told = {"path": path, **_found.described(seen)}
        if self._args.get_checksum and stat.S_ISREG(seen.st_mode):
            told["checksum"] = files.digest(path, self._args.checksum_algorithm)
        return told


def _is_named(name: str, args: Args) -> bool:
    def matches(pattern: str) -> bool:
        return bool(re.match(pattern, name)) if args.use_regex else fnmatch.fnmatch(name, pattern)

    wanted = any(map(matches, args.patterns)) if args.patterns else True
    return wanted and not any(map(matches, args.excludes or []))


def _is_beyond(value: float, bound: int | None) -> bool:
    """Tell whether a value is at least the bound, or for a negative bound at most its amount."""
    return bound is None or (value >= bound if bound >= 0 else value <= -bound)


def _contains(path: str, args: Args) -> bool:
    pattern = re.compile(str(args.contains))
    with suppress(OSError), open(path, encoding=args.encoding) as stream:
        if args.read_whole_file:
            return bool(pattern.search(stream.read()))
        return any(pattern.match(line) for line in stream)
    return False


def _has_mode(seen: os.stat_result, args: Args) -> bool:
    if args.mode is None:
        return True
    wanted = ownership.changed_mode(0, args.mode, is_directory=stat.S_ISDIR(seen.st_mode))
    has = stat.S_IMODE(seen.st_mode)
    return has == wanted if args.exact_mode else bool(has & wanted)
