"""Have apt know a repository by a line of sources.list(5), or have it forget one."""

from __future__ import annotations

import os
import re

from edgectl.remote import files
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal, NamedTuple
from edgectl.remote.ownership import AS_IT_IS, Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._apt_get import AptGet

REPEAT = "idempotent"
_MAIN = "/etc/apt/sources.list"
_FOLDER = "/etc/apt/sources.list.d"
_KINDS = ("deb", "deb-src")
_LOCK_TIMEOUT_S = 60
_INCOMPLETE = ("Some index files failed to download", "Failed to fetch")


@dataclass(frozen=True)
class Args:
    """Give the line."""

    repo: str = arg(doc="The line, such as deb https://HOST/PATH SUITE COMPONENT.")
    state: Literal["absent", "present"] = arg("present", doc="Whether apt should know it.")
    filename: str | None = arg(
        None, doc="The file below sources.list.d, without .list; its address where absent."
    )
    mode: Mode | None = arg(None, doc="Mode of a new file.")
    update_cache: bool = arg(
        True, aliases=("update-cache",), doc="Bring the package lists up to date after a change."
    )
    update_cache_retries: int = arg(5, doc="How often to try that.")
    update_cache_retry_max_delay: int = arg(12, doc="Wait at most this many seconds between tries.")
    install_python_apt: bool = arg(True, doc="Accepted for Ansible's sake; it is not needed.")
    validate_certs: bool = arg(True, doc="Accepted for Ansible's sake; apt checks them.")

    def __post_init__(self) -> None:
        """Refuse what apt could not read, and Ubuntu's short form, whose key somebody else would choose."""
        if self.repo.startswith("ppa:"):
            raise ValueError("'repo' is a PPA: write its line, `deb [signed-by=KEY] https://… SUITE main`")
        if parsed(self.repo) is None:
            raise ValueError(
                f"'repo' is a line of sources.list, such as `deb URL SUITE main`, not {self.repo!r}"
            )


class Source(NamedTuple):
    """One line that names a repository, without needless blanks."""

    words: str
    enabled: bool
    comment: str

    def written(self) -> str:
        """Return it as a line."""
        comment = f" # {self.comment}" if self.comment else ""
        return f"{'' if self.enabled else '# '}{self.words}{comment}\n"


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring apt's files to it; where the lists then cannot be fetched, take it back."""
    wanted = parsed(args.repo)
    before = _read_all()
    after = edited(before, args, wanted.words if wanted is not None else "")
    added = sorted(path for path in after if path not in before)
    removed = sorted(path for path in before if path not in after)
    values: dict[str, Any] = {"repo": args.repo, "state": args.state}
    values.update(sources_added=added, sources_removed=removed)
    if after == before:
        return TaskResult(values=values)
    diff = _diff(before, after) if context.diff else None
    if not context.check:
        _write(before, after, args)
        problem = _update(args, context) if args.update_cache else ""
        if problem:
            _write(after, before, args)
            return failed(f"{problem}; the repository was taken back", **values)
    return TaskResult(changed=True, values=values, diff=diff)


def parsed(line: str) -> Source | None:
    """Return what a line says, or None where it names no repository."""
    text = line.strip()
    enabled = not text.startswith("#")
    text, _, comment = text.lstrip("#").partition("#") if enabled else text[1:].partition("#")
    words = text.split()
    return Source(" ".join(words), enabled, comment.strip()) if words and words[0] in _KINDS else None


def edited(before: dict[str, str], args: Args, words: str) -> dict[str, str]:
    """Return each file's text with the repository, or without; a file that loses its last line goes."""
    found = {path: text.splitlines(keepends=True) for path, text in before.items()}
    mine = [
        (path, number)
        for path, lines in found.items()
        for number, line in enumerate(lines)
        if _says(line, words)
    ]
    if args.state == "absent":
        gone = {(path, number) for path, number in mine if _is_enabled(found[path][number])}
        kept = {
            path: [x for n, x in enumerate(lines) if (path, n) not in gone] for path, lines in found.items()
        }
        return {path: "".join(lines) for path, lines in kept.items() if lines or not found[path]}
    for path, number in mine:
        source = parsed(found[path][number])
        if source is not None and not source.enabled:
            found[path][number] = source._replace(enabled=True).written()
    if not mine:
        path = os.path.join(_FOLDER, f"{args.filename or file_name(words)}.list")
        found.setdefault(path, []).append(f"{words}\n")
    return {path: "".join(lines) for path, lines in found.items()}


def _says(line: str, words: str) -> bool:
    source = parsed(line)
    return source is not None and source.words == words


def _is_enabled(line: str) -> bool:
    source = parsed(line)
    return source is not None and source.enabled


def file_name(words: str) -> str:
    """Return the name that Ansible gives a repository's file: its address in words, without a user."""
    plain = re.sub(r"\w+://", "", re.sub(r"\[[^]]+\]", "", words))
    address = next((word for word in plain.split() if word not in _KINDS), "repository")
    return "_".join(re.sub("[^a-zA-Z0-9]", " ", address.rpartition("@")[2]).split())


def _read_all() -> dict[str, str]:
    names = sorted(os.listdir(_FOLDER)) if os.path.isdir(_FOLDER) else []
    paths = [_MAIN, *(os.path.join(_FOLDER, name) for name in names if name.endswith(".list"))]
    found = {path: files.read(path) for path in paths}
    return {path: raw.decode("utf-8", "surrogateescape") for path, raw in found.items() if raw is not None}


def _write(before: dict[str, str], after: dict[str, str], args: Args) -> None:
    for path in before:
        if path not in after:
            os.unlink(path)
    for path, text in after.items():
        if before.get(path) != text:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            new = AS_IT_IS if path in before else Attributes(args.mode or "0644")
            files.write_atomically(path, text.encode("utf-8", "surrogateescape"), new)


def _update(args: Args, context: TaskContext) -> str:
    """Fetch the lists; return what is wrong, or an empty text."""
    import time

    apt = AptGet(context.proc, [], _LOCK_TIMEOUT_S)
    said = ""
    for attempt in range(max(args.update_cache_retries, 1)):
        if attempt:
            time.sleep(min(2 ** (attempt - 1), args.update_cache_retry_max_delay))
        done = apt.run("update")
        said = done.stderr.strip() or done.stdout.strip()
        if done.rc == 0 and not any(words in done.stderr for words in _INCOMPLETE):
            return ""
    return f"Failed to update apt cache after {args.update_cache_retries} tries: {said}"


def _diff(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Return one difference for all files that change."""
    paths = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
    sides = {
        side: "".join(texts.get(path, "") for path in paths)
        for side, texts in (("before", before), ("after", after))
    }
    return {**sides, "before_header": ", ".join(paths), "after_header": ", ".join(paths)}
