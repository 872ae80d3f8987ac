"""Make sure that one line is in a file, or is not."""

from __future__ import annotations

import io
import os
import re

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks._lines import Edit, Wish, with_line, without_lines

REPEAT = "idempotent"
TOUCHES = "path"
STARTS_NOTHING = True


@dataclass(frozen=True)
class Args:
    """Name the file, and the line by itself, by a pattern or by a part of it."""

    path: str = arg(aliases=("dest", "destfile", "name"), doc="The file.")
    regexp: str | None = arg(None, aliases=("regex",), doc="The line to replace or remove matches this.")
    search_string: str | None = arg(None, doc="The line to replace or remove contains this.")
    line: str | None = arg(None, aliases=("value",), doc="The line as it should be.")
    state: Literal["present", "absent"] = arg("present", doc="Whether the line should be there.")
    backrefs: bool = arg(
        False, doc="line may say \\1 for what regexp matched; without a match nothing happens."
    )
    insertafter: str | None = arg(None, doc="Put a new line after the last match of this, or EOF.")
    insertbefore: str | None = arg(None, doc="Put a new line before the last match of this, or BOF.")
    create: bool = arg(False, doc="Make the file where there is none.")
    backup: bool = arg(False, doc="Keep the old file beside the new one.")
    firstmatch: bool = arg(False, doc="The first match counts, not the last.")
    mode: Mode | None = arg(None, doc='Mode of the file, such as "0644".')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    validate: str | None = arg(None, doc="A command that must accept the new file, named by %s.")

    def __post_init__(self) -> None:
        """Refuse what excludes each other or leaves open which line is meant."""
        for one, other in (("insertbefore", "insertafter"), ("regexp", "search_string")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"give '{one}' or '{other}', not both")
        if self.backrefs and self.regexp is None:
            raise ValueError("'backrefs' needs 'regexp'")
        if self.state == "present" and self.line is None:
            raise ValueError("'line' is needed with state=present")
        if self.line is None and self.regexp is None and self.search_string is None:
            raise ValueError("with state=absent give 'line', 'regexp' or 'search_string'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to the lines that are wanted."""
    path = files.expanded(args.path)
    if os.path.isdir(path):
        return failed(f"Path {path} is a directory: name a file", rc=256)
    attributes = Attributes(args.mode, args.owner, args.group)
    problem = ownership.complaint(attributes, check=context.check)
    if problem:
        return failed(problem)
    before = files.read(path)
    if before is None and args.state == "absent":
        return ok("file not present")
    if before is None and not args.create:
        return failed(f"Destination {path} does not exist: add 'create: true' to make it", rc=257)
    try:
        wish = _wish(args)
    except re.error as error:
        return failed(f"the pattern '{error.pattern!s}' is no regular expression: {error}")
    lines = io.BytesIO(before or b"").readlines()
    edit = with_line(lines, wish) if args.state == "present" else without_lines(lines, wish)
    return _carried_out(args, path, (before, edit), attributes, context)


def _wish(args: Args) -> Wish:
    after = "EOF" if args.insertafter is None and args.insertbefore is None else args.insertafter
    return Wish(
        line=_bytes(args.line or ""),
        regexp=None if args.regexp is None else re.compile(_bytes(args.regexp)),
        search=None if args.search_string is None else _bytes(args.search_string),
        after=_place(after, ("BOF", "EOF")),
        before=_place(args.insertbefore, ("BOF",)),
        backrefs=args.backrefs,
        firstmatch=args.firstmatch,
    )


def _place(text: str | None, words: tuple[str, ...]) -> Any:
    return text if text is None or text in words else re.compile(_bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _carried_out(
    args: Args, path: str, content: tuple[bytes | None, Edit], attributes: Attributes, context: TaskContext
) -> TaskResult:
    before, edit = content
    after = b"".join(edit.lines)
    values: dict[str, Any] = {"backup": ""}
    if args.state == "absent":
        values["found"] = int(edit.msg.split()[0]) if edit.msg else 0
    diff = files.text_diff(path, before, after) if context.diff and edit.msg else None
    msg = [edit.msg] if edit.msg else []
    if edit.msg and not context.check:
        if args.backup and before is not None:
            values["backup"] = files.back_up(path)
        try:
            _write(path, after, attributes, files.validator(args.validate, context.proc))
        except files.RefusedError as refused:
            return failed(f"{refused}; {path} was left as it is", **values)
        if files.read(path) != after:
            return failed(f"{path} does not hold what was written to it: something else writes there too")
    if os.path.exists(path) and ownership.set_attributes(path, attributes, check=context.check):
        msg.append("ownership, perms or SE linux context changed")
    return TaskResult(bool(msg), msg=" and ".join(msg), values=values, diff=diff)


def _write(path: str, content: bytes, attributes: Attributes, validate: Any) -> None:
    """Replace the file; a new one's folder is made on the way, as with Ansible."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    files.write_atomically(path, content, attributes, validate=validate)
