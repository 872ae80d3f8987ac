"""Travels to a host of the differential suite: lists paths with kind, mode, owner and content as JSON."""

# ruff: noqa: PTH115, PTH118, PTH123, T201 - it runs at a host, and what it prints is read here
from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import stat
import sys
from typing import Any


def name_of(look: Any, number: int) -> str:
    try:
        return str(look(number)[0])
    except KeyError:
        return str(number)


def settled(path: str, content: bytes) -> bytes:
    """Return a file without what is never the same twice: a new key, and when a crontab was installed."""
    if "/.ssh/id_" in path:
        return b"a key"
    if path.startswith("/var/spool/cron/"):
        return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(b"# ("))
    return content


def described(path: str) -> list[Any]:
    seen = os.lstat(path)
    told: list[Any] = [
        oct(seen.st_mode),
        name_of(pwd.getpwuid, seen.st_uid),
        name_of(grp.getgrgid, seen.st_gid),
    ]
    if stat.S_ISLNK(seen.st_mode):
        told.append(os.readlink(path))
    elif stat.S_ISREG(seen.st_mode):
        with open(path, "rb") as stream:
            content = settled(path, stream.read())
        is_short = len(content) < 2000 and b"\0" not in content
        told.append(content.decode() if is_short else hashlib.sha256(content).hexdigest())
    return told


found = {}
for top in sys.argv[1:]:
    if os.path.lexists(top):
        found[top] = described(top)
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            found[os.path.join(folder, name)] = described(os.path.join(folder, name))
print(json.dumps(found))
