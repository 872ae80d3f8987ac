"""What stat and find tell of a path under Ansible's names."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from edgectl.remote.lean import Any, suppress

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
}


def described(seen: os.stat_result) -> dict[str, Any]:
    """Return mode, owner, size, times, kind and each permission; a number that has no name is left out."""
    told: dict[str, Any] = {"mode": f"{stat.S_IMODE(seen.st_mode):04o}"}
    told.update({name: getattr(seen, field) for name, field in _FIELDS.items()})
    told.update({name: is_kind(seen.st_mode) for name, is_kind in _KINDS.items()})
    told.update(_permissions(seen), **_names(seen))
    return told


def _permissions(seen: os.stat_result) -> dict[str, bool]:
    bits = {
        f"{letter}{who}": bool(seen.st_mode & value << shift)
        for who, shift in (("usr", 6), ("grp", 3), ("oth", 0))
        for letter, value in (("r", 4), ("w", 2), ("x", 1))
    }
    return {**bits, "isuid": bool(seen.st_mode & stat.S_ISUID), "isgid": bool(seen.st_mode & stat.S_ISGID)}


def _names(seen: os.stat_result) -> dict[str, str]:
    names = {}
    with suppress(KeyError):
        names["pw_name"] = pwd.getpwuid(seen.st_uid).pw_name
    with suppress(KeyError):
        names["gr_name"] = grp.getgrgid(seen.st_gid).gr_name
    return names
