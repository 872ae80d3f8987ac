"""What lineinfile, blockinfile and replace share: a file whose text is edited and put back in one step."""

from __future__ import annotations

import os

from edgectl.remote import files, ownership
from edgectl.remote.context import TaskContext
from edgectl.remote.lean import Any, NamedTuple
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed


class Keeping(NamedTuple):
    """How an edited file is put back; `backup_as` is the result's name for the copy that `backup` makes."""

    attributes: Attributes
    backup: bool
    validate: str | None
    backup_as: str = "backup_file"


class Text(NamedTuple):
    """A file's bytes before and after, None before where there is none, and Ansible's word for the difference."""

    before: bytes | None
    after: bytes
    msg: str


def refusal(path: str, attributes: Attributes, *, check: bool) -> TaskResult | None:
    """Return the failure of a path that no text can be edited at, or None."""
    if os.path.isdir(path):
        return failed(f"Path {path} is a directory: name a file", rc=256)
    problem = ownership.complaint(attributes, check=check)
    return failed(problem) if problem else None


def missing(path: str, *, may_create: bool = True) -> TaskResult:
    """Return the failure of a file that is not there."""
    hint = ": add 'create: true' to make it" if may_create else ""
    return failed(f"Destination {path} does not exist{hint}", rc=257)


def put_back(path: str, text: Text, how: Keeping, context: TaskContext, values: dict[str, Any]) -> TaskResult:
    """Write the text where there is a word for its difference, then set mode and owner; prove both."""
    diff = files.text_diff(path, text.before, text.after) if context.diff and text.msg else None
    msg = [text.msg] if text.msg else []
    if text.msg and not context.check:
        if how.backup and text.before is not None:
            values[how.backup_as] = files.back_up(path)
        try:
            _write(path, text.after, how, files.validator(how.validate, context.proc))
        except files.RefusedError as refused:
            return failed(f"{refused}; {path} was left as it is", **values)
        if files.read(path) != text.after:
            return failed(f"{path} does not hold what was written to it: something else writes there too")
    if os.path.exists(path) and ownership.set_attributes(path, how.attributes, check=context.check):
        msg.append("ownership, perms or SE linux context changed")
    return TaskResult(bool(msg), msg=" and ".join(msg), values=values, diff=diff)


def _write(path: str, content: bytes, how: Keeping, validate: Any) -> None:
    """Replace the file; a new one's folder is made on the way, as with Ansible."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    files.write_atomically(path, content, how.attributes, validate=validate)
