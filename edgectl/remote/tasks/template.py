"""Render a template to a file at the host."""

from __future__ import annotations

import os

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass, replace
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._placing import Content, Placing, make_folders, place, target

REPEAT = "idempotent"
TOUCHES = "dest"
STARTS_NOTHING = True
# The controller finds `src` in this folder beside the playbook and sends it along.
SENDS = "templates"
_NEWLINES = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}


@dataclass(frozen=True)
class Args:
    """The rendered text is `content`."""

    src: str = arg(doc="The template, a file here.")
    dest: str = arg(doc="The path at the host; a folder where it ends in / or is one.")
    mode: Mode | None = arg(None, doc='Mode of the file, such as "0644", "u+x" or preserve.')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    force: bool = arg(True, doc="Replace a file that differs; no: only write where there is none.")
    backup: bool = arg(False, doc="Keep the old file beside the new one.")
    validate: str | None = arg(None, doc="A command that must accept the new file, named by %s.")
    follow: bool = arg(False, doc="Where dest is a symbolic link, write to what it points to.")
    newline_sequence: str = arg("\n", doc="How lines end in the file.")
    trim_blocks: bool = arg(True, doc="Leave out the newline after a block.")
    lstrip_blocks: bool = arg(False, doc="Leave out spaces before a block.")
    content: str = arg("", doc="The rendered text.", internal=True)
    source_mode: Mode | None = arg(None, doc="Mode of the template, for preserve.", internal=True)

    def __post_init__(self) -> None:
        """Refuse line ends that are none."""
        if _NEWLINES.get(self.newline_sequence, self.newline_sequence) not in _NEWLINES.values():
            raise ValueError("'newline_sequence' must be \\n, \\r or \\r\\n")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Make the file at dest equal to the rendered text."""
    attributes = Attributes(
        args.source_mode if args.mode == "preserve" else args.mode, args.owner, args.group
    )
    problem = ownership.complaint(attributes, check=context.check)
    if problem:
        return failed(problem)
    dest = files.expanded(args.dest)
    folder = Attributes(None, args.owner, args.group)
    made = dest.endswith("/") and make_folders(dest.rstrip("/"), folder, check=context.check)
    newline = _NEWLINES.get(args.newline_sequence, args.newline_sequence)
    text = args.content if newline == "\n" else args.content.replace("\n", newline)
    how = Placing(attributes, args.force, args.backup, args.validate, args.follow)
    path = target(dest, os.path.basename(args.src))
    done = place(path, Content(text.encode("utf-8", "surrogateescape")), how, context)
    return replace(done, changed=done.changed or made, values={"src": args.src, **done.values})
