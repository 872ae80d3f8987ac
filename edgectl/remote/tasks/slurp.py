"""Bring a file's content, as base64, into a variable."""

from __future__ import annotations

import base64
import os
import stat

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
STARTS_NOTHING = True
# A line of the protocol takes 32 MiB, and base64 makes four bytes of three.
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Args:
    """Name the file."""

    src: str = arg(aliases=("path",), doc="The file; at most 16 MiB.")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Return `content`, `encoding` and `source`."""
    try:
        found = os.stat(args.src)
        if not stat.S_ISREG(found.st_mode):
            return failed(f"{args.src} is no regular file")
        if found.st_size > _MOST_BYTES:
            return failed(f"{args.src} has {found.st_size} bytes; at most {_MOST_BYTES} are brought")
        with open(args.src, "rb") as stream:
            content = stream.read(_MOST_BYTES)
    except OSError as error:
        return failed(f"{args.src}: {str(error.strerror).lower()}")
    return ok(content=base64.b64encode(content).decode("ascii"), encoding="base64", source=args.src)
