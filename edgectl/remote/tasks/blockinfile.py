"""Make sure that a block of lines between two markers is in a file, or is not."""

from __future__ import annotations

import re

from edgectl.remote import files
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks._editing import Keeping, Text, missing, put_back, refusal

REPEAT = "idempotent"
TOUCHES = "path"
STARTS_NOTHING = True


@dataclass(frozen=True)
class Args:
    """Name the file and the block; an empty block is none."""

    path: str = arg(aliases=("dest", "destfile", "name"), doc="The file.")
    block: str = arg("", aliases=("content",), doc="The lines between the markers; none takes them away.")
    state: Literal["present", "absent"] = arg("present", doc="Whether the block should be there.")
    marker: str = arg(
        "# {mark} ANSIBLE MANAGED BLOCK", doc="The line around the block; {mark} tells the two apart."
    )
    marker_begin: str = arg("BEGIN", doc="What {mark} is before the block.")
    marker_end: str = arg("END", doc="What {mark} is after the block.")
    insertafter: str | None = arg(None, doc="Put a new block after the last match of this, or EOF.")
    insertbefore: str | None = arg(None, doc="Put a new block before the last match of this, or BOF.")
    append_newline: bool = arg(False, doc="Have an empty line after the block, unless the file ends there.")
    prepend_newline: bool = arg(
        False, doc="Have an empty line before the block, unless the file begins there."
    )
    create: bool = arg(False, doc="Make the file where there is none.")
    backup: bool = arg(False, doc="Keep the old file beside the new one.")
    mode: Mode | None = arg(None, doc='Mode of the file, such as "0644".')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    validate: str | None = arg(None, doc="A command that must accept the new file, named by %s.")

    def __post_init__(self) -> None:
        """Refuse two places."""
        if self.insertbefore is not None and self.insertafter is not None:
            raise ValueError("give 'insertbefore' or 'insertafter', not both")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to the block that is wanted."""
    path = files.expanded(args.path)
    attributes = Attributes(args.mode, args.owner, args.group)
    refused = refusal(path, attributes, check=context.check)
    if refused is not None:
        return refused
    before = files.read(path)
    if before is None and not args.create:
        return missing(path)
    if before is None and args.state == "absent":
        return ok(f"File {path} not present")
    try:
        after = with_block(before or b"", args)
    except re.error as error:
        return failed(f"the pattern '{error.pattern!s}' is no regular expression: {error}")
    msg = _word(before, after, has_block=bool(_wanted_lines(args)))
    return put_back(
        path, Text(before, after, msg), Keeping(attributes, args.backup, args.validate), context, {}
    )


def _word(before: bytes | None, after: bytes, *, has_block: bool) -> str:
    if before is None:
        return "File created"
    if before == after:
        return ""
    return "Block inserted" if has_block else "Block removed"


def with_block(text: bytes, args: Args) -> bytes:
    """Return the text with the block in place of what was between the markers, else at the place asked for."""
    lines = text.splitlines(keepends=True)
    wanted = _wanted_lines(args)
    first, last = _marked(lines, args)
    if first is None or last is None:
        at = _place(lines, text, args)
    else:
        at = min(first, last)
        del lines[at : max(first, last) + 1]
    if at > 0 and not lines[at - 1].endswith(b"\n"):
        lines[at - 1] += b"\n"
    if args.state == "present" and args.prepend_newline and at > 0 and lines[at - 1] != b"\n":
        lines.insert(at, b"\n")
        at += 1
    lines[at:at] = wanted
    behind = at + len(wanted)
    if args.state == "present" and args.append_newline and behind < len(lines) and lines[behind] != b"\n":
        lines.insert(behind, b"\n")
    return b"".join(lines)


def _markers(args: Args) -> tuple[bytes, bytes]:
    begin, end = (args.marker.replace("{mark}", word) for word in (args.marker_begin, args.marker_end))
    return _bytes(begin) + b"\n", _bytes(end) + b"\n"


def _wanted_lines(args: Args) -> list[bytes]:
    block = _bytes(args.block)
    if args.state == "absent" or not block:
        return []
    begin, end = _markers(args)
    return [begin, *(block if block.endswith(b"\n") else block + b"\n").splitlines(keepends=True), end]


def _marked(lines: list[bytes], args: Args) -> tuple[int | None, int | None]:
    """Return where the last of each marker is."""
    begin, end = _markers(args)
    found = {line: number for number, line in enumerate(lines) if line in (begin, end)}
    return found.get(begin), found.get(end)


def _place(lines: list[bytes], text: bytes, args: Args) -> int:
    """Return the number of the line before which a new block goes."""
    if args.insertbefore == "BOF":
        return 0
    wanted = args.insertafter if args.insertbefore is None else args.insertbefore
    if wanted in (None, "EOF"):
        return len(lines)
    pattern = re.compile(_bytes(str(wanted)))
    is_after = args.insertbefore is None
    if pattern.flags & re.MULTILINE:
        match = pattern.search(text)
        at = match and text.count(b"\n", 0, match.end() if is_after else match.start())
    else:
        at = max((number for number, line in enumerate(lines) if pattern.search(line)), default=None)
    return len(lines) if at is None else at + is_after


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
