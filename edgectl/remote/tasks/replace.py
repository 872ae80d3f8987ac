"""Replace every match of a pattern in a file."""

from __future__ import annotations

import re

from edgectl.remote import files
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks._editing import Keeping, Text, missing, put_back, refusal

REPEAT = "idempotent"
TOUCHES = "path"
STARTS_NOTHING = True


@dataclass(frozen=True)
class Args:
    """Name the file and the pattern; a replacement that the pattern matches again never ends."""

    path: str = arg(aliases=("dest", "destfile", "name"), doc="The file.")
    regexp: str = arg(doc="What to replace; ^ and $ match at every line.")
    replace: str = arg("", doc="What to put there; \\1 is what a group matched.")
    after: str | None = arg(None, doc="Only behind a match of this; a dot in it matches newlines too.")
    before: str | None = arg(None, doc="Only before a match of this; a dot in it matches newlines too.")
    backup: bool = arg(False, doc="Keep the old file beside the new one.")
    encoding: str = arg("utf-8", doc="How the file is encoded.")
    mode: Mode | None = arg(None, doc='Mode of the file, such as "0644".')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    validate: str | None = arg(None, doc="A command that must accept the new file, named by %s.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the file to the text without a match."""
    path = files.expanded(args.path)
    attributes = Attributes(args.mode, args.owner, args.group)
    refused = refusal(path, attributes, check=context.check)
    if refused is not None:
        return refused
    before = files.read(path)
    if before is None:
        return missing(path, may_create=False)
    try:
        text = before.decode(args.encoding, "surrogateescape")
        found = replaced(text, args)
        after = before if found is None else found[0].encode(args.encoding, "surrogateescape")
    except re.error as error:
        return failed(f"the pattern '{error.pattern!s}' cannot be used: {error}")
    except (UnicodeError, LookupError) as error:
        return failed(f"{path} cannot be read or written as {args.encoding}: {error}")
    if found is None:
        return ok("no match for 'after' and 'before': nothing was looked at", rc=0)
    msg = f"{found[1]} replacements made" if after != before else ""
    how = Keeping(attributes, args.backup, args.validate)
    return put_back(path, Text(before, after, msg), how, context, {"rc": 0})


def replaced(text: str, args: Args) -> tuple[str, int] | None:
    """Return the new text and how many matches it had; None where the part to look at is not there."""
    start, end = 0, len(text)
    if args.after or args.before:
        pattern = f"{args.after or ''}(?P<subsection>.*{'?' if args.after and args.before else ''}){args.before or ''}"
        match = re.search(pattern, text, re.DOTALL)
        if match is None:
            return None
        start, end = match.span("subsection")
    section, number = re.subn(args.regexp, args.replace, text[start:end], flags=re.MULTILINE)
    return text[:start] + section + text[end:], number
