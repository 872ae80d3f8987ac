"""Look at a path."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, ok
from edgectl.remote.tasks import _found

REPEAT = "reads"
STARTS_NOTHING = True
_FIELDS = {"blocks": "st_blocks", "block_size": "st_blksize", "device_type": "st_rdev"}
_ACCESS = {"readable": os.R_OK, "writeable": os.W_OK, "executable": os.X_OK}


@dataclass(frozen=True)
class Args:
    """Name the path."""

    path: str = arg(aliases=("dest", "name"), doc="The path.")
    follow: bool = arg(False, doc="Look at what a symbolic link points to.")
    get_checksum: bool = arg(True, doc="Report a file's checksum.")
    checksum_algorithm: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = arg(
        "sha1", aliases=("checksum", "checksum_algo"), doc="Which checksum."
    )
    get_mime: bool = arg(False, aliases=("mime", "mime_type", "mime-type"), doc="Report what file(1) says.")
    get_attributes: bool = arg(False, aliases=("attr", "attributes"), doc="Report what lsattr(1) says.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Report all that the system knows of the path; one that is not there is no failure."""
    path = files.expanded(args.path)
    try:
        found = os.stat(path) if args.follow else os.lstat(path)
    except FileNotFoundError:
        return ok(stat={"exists": False})
    known: dict[str, Any] = {"exists": True, "path": path, **_found.described(found)}
    known.update({name: getattr(found, field) for name, field in _FIELDS.items()})
    known.update({name: os.access(path, how) for name, how in _ACCESS.items()})
    if known["islnk"]:
        known.update(lnk_source=os.path.realpath(path), lnk_target=os.readlink(path))
    if args.get_checksum and known["isreg"] and known["readable"]:
        known["checksum"] = files.digest(path, args.checksum_algorithm)
    if args.get_mime:
        known.update(_mime(path, context))
    if args.get_attributes:
        known.update(_flags(path, context))
    return ok(stat=known)


def _mime(path: str, context: TaskContext) -> dict[str, str]:
    done = context.proc.run(["file", "-b", "--mime-type", "--mime-encoding", path])
    kind, _, charset = done.stdout.strip().partition("; charset=")
    return (
        {"mimetype": kind, "charset": charset}
        if done.rc == 0
        else {"mimetype": "unknown", "charset": "unknown"}
    )


def _flags(path: str, context: TaskContext) -> dict[str, Any]:
    version, _, rest = context.proc.run(["lsattr", "-vd", path]).stdout.strip().partition(" ")
    flags = rest.strip().partition(" ")[0].replace("-", "")
    return {"version": version or None, "attributes": list(flags), "attr_flags": flags}
