"""Bring a file of the host here."""

from __future__ import annotations

import os
import stat

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
STARTS_NOTHING = True
# The controller decides where the file is written, and no host has a say in it.
BRINGS = True
# A line of the protocol takes 32 MiB, and base64 makes four bytes of three.
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Args:
    """Name the file and the folder here; the task is `ok`, for it changes nothing at the host."""

    src: str = arg(doc="The file at the host; at most 16 MiB.")
    dest: str = arg(doc="The folder here, from the playbook's on; the file goes to DEST/HOST/SRC.")
    flat: bool = arg(False, doc="The file goes to dest itself, or into it where dest ends in /.")
    fail_on_missing: bool = arg(True, doc="Fail where there is no such file.")
    validate_checksum: bool = arg(True, doc="Accepted for Ansible's sake; what came is always compared.")
    local: str = arg("", doc="Where the file goes.", internal=True)


def run(args: Args, context: TaskContext) -> TaskResult:
    """Return the file's content; in check mode the task is skipped, as with Ansible."""
    if context.check:
        return TaskResult(msg="would bring it", values={"skipped": True})
    path = files.expanded(args.src)
    values: dict[str, Any] = {"file": path, "src": path}
    problem = _problem(path)
    if problem and (args.fail_on_missing or os.path.exists(path)):
        return failed(problem, **values)
    if problem:
        return ok(f"{problem}, ignored", **values)
    import base64

    content = files.read(path) or b""
    values.update(
        dest=args.local, checksum=files.digest_of(content, "sha1"), md5sum=files.digest_of(content, "md5")
    )
    values.update(remote_checksum=values["checksum"], remote_md5sum=None)
    return ok(content=base64.b64encode(content).decode("ascii"), encoding="base64", **values)


def _problem(path: str) -> str:
    try:
        found = os.stat(path)
    except OSError as error:
        return f"{path}: {str(error.strerror).lower()}"
    if stat.S_ISDIR(found.st_mode):
        return f"{path} is a directory, and fetch brings one file: pack it first, or use find and a loop"
    if not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
        return f"{path} is no regular file that can be read"
    if found.st_size > _MOST_BYTES:
        return f"{path} has {found.st_size} bytes, and at most {_MOST_BYTES} are brought: use scp"
    return ""
