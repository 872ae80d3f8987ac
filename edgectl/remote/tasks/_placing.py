"""What copy and template share: one file, put in its place."""

from __future__ import annotations

import os

from edgectl.remote import files, ownership
from edgectl.remote.context import TaskContext
from edgectl.remote.lean import Any, NamedTuple
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed


class Placing(NamedTuple):
    """How a file is to be put in its place."""

    attributes: Attributes
    force: bool = True
    backup: bool = False
    validate: str | None = None
    follow: bool = False


class Content(NamedTuple):
    """A file's new content: bytes that travelled, or another file at this host, with that file's mode."""

    raw: bytes | None = None
    origin: str = ""
    mode: str | None = None

    def digest(self, algorithm: str) -> str:
        """Return its digest in hexadecimal."""
        if self.raw is not None:
            return files.digest_of(self.raw, algorithm)
        return files.digest(self.origin, algorithm)

    def read(self) -> bytes:
        """Return all of it."""
        return self.raw if self.raw is not None else files.read(self.origin) or b""


def target(dest: str, basename: str) -> str:
    """Return the path a single file goes to: `dest`, or a file in it where it is a folder."""
    if dest.endswith("/") or os.path.isdir(dest):
        return os.path.join(dest, basename)
    return dest


def make_folders(path: str, attributes: Attributes, *, check: bool) -> bool:
    """Make the folder `path` and those above it; only new ones get the attributes."""
    missing = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing if not check else []):
        os.mkdir(folder)
        ownership.set_attributes(folder, attributes, check=False)
    return bool(missing)


def place(dest: str, content: Content, how: Placing, context: TaskContext) -> TaskResult:
    """Bring one file to its content and attributes; the values are those of Ansible's copy."""
    if os.path.islink(dest) and how.follow:
        dest = os.path.realpath(dest)
    folder = os.path.dirname(dest) or "."
    if os.path.isdir(dest):
        return failed(f"{dest} is a directory: name the file to write, or remove the directory first")
    if os.path.lexists(dest) and not how.force:
        return TaskResult(msg="file already exists", values={"dest": dest, **ownership.described(dest)})
    if not os.path.isdir(folder) and not context.check:
        return failed(f"Destination directory {folder} does not exist: make it first with the module 'file'")
    if os.path.isfile(dest) and not os.path.islink(dest) and files.sha1(dest) == content.digest("sha1"):
        differs = ownership.set_attributes(dest, how.attributes, check=context.check)
        return _result(dest, content, TaskResult(differs))
    diff = files.text_diff(dest, files.read(dest), content.read()) if context.diff else None
    if context.check:
        now = ownership.described(dest) if os.path.exists(dest) else {}
        values = {"dest": dest, "checksum": content.digest("sha1"), **now}
        return TaskResult(changed=True, values=values, diff=diff)
    return _replace(dest, content, how, context, diff)


def _replace(
    dest: str, content: Content, how: Placing, context: TaskContext, diff: dict[str, str] | None
) -> TaskResult:
    values = {"backup_file": files.back_up(dest)} if how.backup and os.path.exists(dest) else {}
    attributes = how.attributes._replace(mode=how.attributes.mode or content.mode)
    check = files.validator(how.validate, context.proc)
    try:
        with files.Replacing(dest, attributes, follow=False, validate=check) as stream:
            if content.raw is None:
                files.copy_into(stream, content.origin)
            else:
                stream.write(content.raw)
    except files.RefusedError as refused:
        return failed(f"{refused}; {dest} was left as it is", dest=dest, **values)
    return _result(dest, content, TaskResult(changed=True, values=values, diff=diff))


def _result(dest: str, content: Content, outcome: TaskResult) -> TaskResult:
    """Read again what is at `dest` and report it; content that did not arrive is a failure."""
    checksum = content.digest("sha1")
    values: dict[str, Any] = {"dest": dest, "checksum": checksum, **outcome.values}
    if outcome.changed and files.sha1(dest) != checksum:
        return failed(
            f"{dest} does not hold what was written to it: something else writes there too", **values
        )
    if not os.path.exists(dest):
        return TaskResult(outcome.changed, msg=outcome.msg, values=values, diff=outcome.diff)
    values.update(md5sum=content.digest("md5"), **ownership.described(dest))
    return TaskResult(outcome.changed, msg=outcome.msg, values=values, diff=outcome.diff)
