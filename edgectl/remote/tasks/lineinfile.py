"""Make sure that one line is in a file, or is not."""

from __future__ import annotations

import io
import re

from edgectl.remote import files
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks._editing import Keeping, Text, missing, put_back, refusal
from edgectl.remote.tasks._lines import Wish, with_line, without_lines

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
    attributes = Attributes(args.mode, args.owner, args.group)
    refused = refusal(path, attributes, check=context.check)
    if refused is not None:
        return refused
    before = files.read(path)
    if before is None and args.state == "absent":
        return ok("file not present")
    if before is None and not args.create:
        return missing(path)
    try:
        wish = _wish(args)
    except re.error as error:
        return failed(f"the pattern '{error.pattern!s}' is no regular expression: {error}")
    lines = io.BytesIO(before or b"").readlines()
    edit = with_line(lines, wish) if args.state == "present" else without_lines(lines, wish)
    values: dict[str, Any] = {"backup": ""}
    if args.state == "absent":
        values["found"] = int(edit.msg.split()[0]) if edit.msg else 0
    how = Keeping(attributes, args.backup, args.validate, backup_as="backup")
    return put_back(path, Text(before, b"".join(edit.lines), edit.msg), how, context, values)


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
