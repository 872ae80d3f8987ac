"""A machine's disk: an overlay over the Debian root whose upper half lies in memory, kept across its boots.

All of it is mounted below the keeper's own /run, so it is gone with the keeper, and no path of the user's
gets into a mount's options.
"""

from __future__ import annotations

import os
from pathlib import Path

from edgectl.lab import kernel

_LOWER = Path("/run/edgectl/root")
_DISKS = Path("/run/edgectl/disks")


def prepare_run() -> None:
    """Give this mount namespace a /run of its own; systemd-nspawn writes there as well."""
    kernel.mount("run", Path("/run"), "tmpfs", kernel.NO_SUID | kernel.NO_DEV, "mode=755")
    _DISKS.mkdir(parents=True)


class Disk:
    """What a machine keeps."""

    def __init__(self, machine: str, debian: Path, size_mb: int) -> None:
        if not _LOWER.exists():
            _LOWER.mkdir()
            kernel.bind(debian, _LOWER)
        self._memory = _DISKS / machine
        self._size_mb = size_mb
        self.root = self._memory / "root"
        self._memory.mkdir()
        kernel.mount("disk", self._memory, "tmpfs", options=f"mode=755,size={size_mb}m")
        upper, work = self._memory / "upper", self._memory / "work"
        for folder in (upper, work, self.root):
            folder.mkdir()
        kernel.mount(
            "disk", self.root, "overlay", options=f"lowerdir={_LOWER},upperdir={upper},workdir={work}"
        )

    def fill(self) -> None:
        """Leave no room for another byte."""
        use = os.statvfs(self._memory)
        self._resize(f"{(use.f_blocks - use.f_bfree) * use.f_frsize}")

    def empty(self) -> None:
        """Give the room back."""
        self._resize(f"{self._size_mb}m")

    def _resize(self, size: str) -> None:
        kernel.mount("disk", self._memory, "tmpfs", kernel.REMOUNT, f"size={size}")
