"""File systems that last. A network's may wait for a dead server and is not asked."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Optional, Tuple

from edgectl.remote.health.files import text

_LASTING = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "reiserfs", "bcachefs", "vfat"}
)
_LEAST_WORDS = 9
_ESCAPED = re.compile(r"\\([0-7]{3})")


def read(root: str = "") -> Tuple[List[Dict[str, Any]], List[str]]:
    """Return each lasting file system once, under the first place where it is mounted, and which did not answer."""
    wanted, blocks = _wanted(root), _super_blocks(root)
    first: Dict[str, Tuple[str, str]] = {}
    for device, mount, options in _lasting(root):
        first.setdefault(device, (mount, options))
    found = [
        _asked(root, device, mount, blocks.get(mount, options), wanted)
        for device, (mount, options) in first.items()
    ]
    return [disk for disk, _ in found if disk], [error for _, error in found if error]


def _asked(
    root: str, device: str, mount: str, options: str, wanted: Dict[str, str]
) -> Tuple[Optional[Dict[str, Any]], str]:
    try:
        return _disk(root, device, mount, options, wanted), ""
    except OSError as error:
        return None, f"{mount}: {str(error.strerror).lower()}"


def _lasting(root: str) -> Iterator[Tuple[str, str, str]]:
    """Yield device, mount and options."""
    for line in (text(f"{root}/proc/self/mounts") or "").splitlines():
        device, mount, kind, options = (_unescaped(word) for word in line.split()[:4])
        if kind in _LASTING and not _is_lent(root, mount):
            yield device, mount, options


def _is_lent(root: str, mount: str) -> bool:
    """Tell whether a mount shows a file of another system: a single one, or what systemd-nspawn shows of its host."""
    return mount.startswith("/run/host/") or os.path.isfile(root + mount)


def _super_blocks(root: str) -> Dict[str, str]:
    """Return by mount what holds for the whole file system: a mount may be for reading alone on purpose (proc(5))."""
    lines = [line.split() for line in (text(f"{root}/proc/self/mountinfo") or "").splitlines()]
    return {_unescaped(line[4]): line[-1] for line in lines if len(line) > _LEAST_WORDS}


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
