"""Cgroups of a lab's machines: without ones of their own, their systemds would share one tree of units."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_END_S = 10.0
_STEP_S = 0.02


def groups_for(name: str) -> tuple[str, ...]:
    """Return the folder of a cgroup called `name` below this process's own, in each tree that systemd keeps."""
    return tuple(str(base / name) for base in _bases())


def _bases() -> Iterable[Path]:
    unified = _MOUNT / "unified"
    mounts = {"": unified if unified.is_dir() else _MOUNT, "name=systemd": _MOUNT / "systemd"}
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, tree, path = line.split(":", 2)
        if tree in mounts and (mounts[tree] / "cgroup.procs").exists():
            own = mounts[tree] / path.lstrip("/")
            yield own if own.is_dir() and ".." not in own.parts else mounts[tree]


def make(groups: Iterable[str]) -> None:
    """Make cgroups that are not there yet."""
    for group in groups:
        Path(group).mkdir(parents=True, exist_ok=True)


def join(groups: Iterable[str]) -> None:
    """Move this process into cgroups, one in each tree."""
    for group in groups:
        (Path(group) / "cgroup.procs").write_text("0", encoding="utf-8")


def remove(groups: Iterable[str]) -> list[str]:
    """Remove cgroups and those below them, as soon as their last processes are gone; return what stays."""
    deadline = time.monotonic() + _END_S
    left = list(groups)
    while left:
        left = [group for group in left if not _is_removed(Path(group))]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_STEP_S)
    return left


def _is_removed(group: Path) -> bool:
    try:
        for folder, _, _ in os.walk(group, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return not group.exists()
    return True
