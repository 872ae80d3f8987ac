"""Which user ids a lab's hosts have, and how the kernel is told.

Root maps a whole range far from the machine's own users, so that nothing in a lab host is the machine's root.
An ordinary user gets a range where `newuidmap` and /etc/subuid grant one, else a single id: root at the hosts
and nobody else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_FIRST_FOREIGN_ID = 1_000_000
_RANGE = 65_536
SINGLE_ID_NOTE = (
    "lab hosts have the single user id 0: giving a file to another user fails there with 'Invalid argument'. "
    "For a range of ids, install newuidmap (Debian: uidmap) with your line in /etc/subuid, or run as root"
)

Range = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class IdMap:
    """Ranges of (id at the host, id on the machine, count)."""

    users: tuple[Range, ...]
    groups: tuple[Range, ...]
    by_tool: bool = False

    @property
    def single(self) -> bool:
        """Tell whether the hosts have no user but root."""
        return sum(count for _, _, count in self.users) == 1


def id_map_of_this_process() -> IdMap:
    """Return the widest map this process may give to a lab."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        return IdMap(_foreign_range("uid_map"), _foreign_range("gid_map"))
    users, groups = _granted("/etc/subuid", user), _granted("/etc/subgid", user)
    if users and groups and shutil.which("newuidmap") and shutil.which("newgidmap"):
        return IdMap(((0, user, 1), users), ((0, group, 1), groups), by_tool=True)
    return IdMap(((0, user, 1),), ((0, group, 1),))


def _foreign_range(kind: str) -> tuple[Range, ...]:
    """Return a range that this user namespace knows; its highest one where a million is beyond it."""
    ranges = [line.split() for line in Path(f"/proc/self/{kind}").read_text(encoding="utf-8").splitlines()]
    end = max(int(first) + int(count) for first, _, count in ranges)
    if end >= _FIRST_FOREIGN_ID + _RANGE:
        return ((0, _FIRST_FOREIGN_ID, _RANGE),)
    first, count = max(((int(first), int(count)) for first, _, count in ranges), key=lambda one: one[1])
    return ((0, first + count - min(count, _RANGE), min(count, _RANGE)),)


def _granted(table: str, user: int) -> Range | None:
    path = Path(table)
    if not path.is_file():
        return None
    names = {str(user), _login_name(user)}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, numbers = line.partition(":")
        if name in names and numbers:
            first, _, count = numbers.partition(":")
            return (1, int(first), min(int(count), _RANGE - 1))
    return None


def _login_name(user: int) -> str:
    for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines():
        fields = line.split(":")
        if fields[2] == str(user):
            return fields[0]
    return str(user)


def tell_kernel(ids: IdMap, process: int) -> None:
    """Give `process`, fresh in a user namespace, its ids. Raises `OSError` or `CalledProcessError`."""
    if ids.by_tool:
        subprocess.run(["newuidmap", str(process), *_words(ids.users)], check=True, capture_output=True)
        subprocess.run(["newgidmap", str(process), *_words(ids.groups)], check=True, capture_output=True)
        return
    if os.geteuid() != 0:
        _write(process, "setgroups", "deny")
    _write(process, "uid_map", _lines(ids.users))
    _write(process, "gid_map", _lines(ids.groups))


def _words(ranges: tuple[Range, ...]) -> list[str]:
    return [str(number) for one in ranges for number in one]


def _lines(ranges: tuple[Range, ...]) -> str:
    return "\n".join(" ".join(str(number) for number in one) for one in ranges)


def _write(process: int, name: str, text: str) -> None:
    descriptor = os.open(f"/proc/{process}/{name}", os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())  # the kernel takes a map in one write only
    finally:
        os.close(descriptor)
