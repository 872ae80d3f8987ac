"""Look at a path."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"
STARTS_NOTHING = True
_KINDS = {
    "isdir": stat.S_ISDIR,
    "ischr": stat.S_ISCHR,
    "isblk": stat.S_ISBLK,
    "isreg": stat.S_ISREG,
    "isfifo": stat.S_ISFIFO,
    "islnk": stat.S_ISLNK,
    "issock": stat.S_ISSOCK,
}
_FIELDS = {
    "uid": "st_uid",
    "gid": "st_gid",
    "size": "st_size",
    "inode": "st_ino",
    "dev": "st_dev",
    "nlink": "st_nlink",
    "atime": "st_atime",
    "mtime": "st_mtime",
    "ctime": "st_ctime",
    "blocks": "st_blocks",
    "block_size": "st_blksize",
    "device_type": "st_rdev",
}


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
    known: dict[str, Any] = {"exists": True, "path": path, "mode": f"{stat.S_IMODE(found.st_mode):04o}"}
    known.update({name: getattr(found, field) for name, field in _FIELDS.items()})
    known.update({name: is_kind(found.st_mode) for name, is_kind in _KINDS.items()})
    known.update(_permissions(path, found), **_names(found))
    if known["islnk"]:
        known.update(lnk_source=os.path.realpath(path), lnk_target=os.readlink(path))
    if args.get_checksum and known["isreg"] and known["readable"]:
        known["checksum"] = files.digest(path, args.checksum_algorithm)
    if args.get_mime:
        known.update(_mime(path, context))
    if args.get_attributes:
        known.update(_flags(path, context))
    return ok(stat=known)


def _permissions(path: str, found: os.stat_result) -> dict[str, bool]:
    bits = {
        f"{letter}{who}": bool(found.st_mode & value << shift)
        for who, shift in (("usr", 6), ("grp", 3), ("oth", 0))
        for letter, value in (("r", 4), ("w", 2), ("x", 1))
    }
    return {
        **bits,
        "isuid": bool(found.st_mode & stat.S_ISUID),
        "isgid": bool(found.st_mode & stat.S_ISGID),
        "readable": os.access(path, os.R_OK),
        "writeable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
    }


def _names(found: os.stat_result) -> dict[str, str]:
    """Return the names of owner and group; a number that has no name is left out, as with Ansible."""
    names = {}
    with contextlib.suppress(KeyError):
        names["pw_name"] = pwd.getpwuid(found.st_uid).pw_name
    with contextlib.suppress(KeyError):
        names["gr_name"] = grp.getgrgid(found.st_gid).gr_name
    return names


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
