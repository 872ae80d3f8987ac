"""File systems that last. A network's may wait for a dead server and is not asked."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List

from edgectl.remote.health.files import text

_LASTING = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "reiserfs", "bcachefs", "vfat"}
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


def read(root: str = "") -> List[Dict[str, Any]]:
    """Return each lasting file system once, under the first place where it is mounted."""
    wanted = _wanted(root)
    found: Dict[str, Dict[str, Any]] = {}
    for line in (text(f"{root}/proc/self/mounts") or "").splitlines():
        device, mount, kind, options = (_unescaped(word) for word in line.split()[:4])
        if kind in _LASTING and device not in found:
            found[device] = _disk(root, device, mount, options, wanted)
    return list(found.values())


def _disk(root: str, device: str, mount: str, options: str, wanted: Dict[str, str]) -> Dict[str, Any]:
    size = os.statvfs(root + mount)
    asked = wanted.get(mount, "defaults").split(",")
    return {
        "mount": mount,
        "device": device,
        "size_bytes": size.f_frsize * size.f_blocks,
        "free_bytes": size.f_frsize * size.f_bavail,
        # btrfs and others make inodes as they need them and say 0.
        "inodes": size.f_files or None,
        "inodes_free": size.f_ffree if size.f_files else None,
        "read_only": "ro" in options.split(","),
        "wanted_writable": "ro" not in asked,
    }


def _wanted(root: str) -> Dict[str, str]:
    """Return the options that `/etc/fstab` asks for, by mount."""
    words = [line.split() for line in (text(f"{root}/etc/fstab") or "").splitlines()]
    return {_unescaped(line[1]): line[3] for line in words if len(line) > 3 and not line[0].startswith("#")}  # noqa: PLR2004


def _unescaped(word: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 8)), word)
