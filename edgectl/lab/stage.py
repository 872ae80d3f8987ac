"""The ground all hosts of a lab stand on: a user, mount and PID namespace with a read-only machine in it.

What hosts may see of the machine is bound here once, before root becomes a foreign user id, so that an
interpreter in a 0700 home is visible as well. Everything mounted here is gone with the last process of the
namespace.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgectl.lab import kernel

MACHINE = Path("/machine")
DISKS = Path("/disks")
# Programs live here; nix, gnu and lib32 only on some machines. Homes, data and mounts are never shown.
SYSTEM_FOLDERS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix", "gnu")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_NAMESPACES = kernel.NEW_USER | kernel.NEW_MOUNTS | kernel.NEW_PIDS


@dataclass(frozen=True, slots=True)
class Stage:
    """Where to build it, and folders of the machine to show under a name of their own."""

    mount_point: Path
    shown: tuple[tuple[str, Path], ...]


def enter_stage(stage: Stage, ask_for_ids: Callable[[], None]) -> None:
    """Build the stage and make it this process's root filesystem, as user 0 of a new user namespace.

    `ask_for_ids` returns when another process has told the kernel this process's ids. Children are in a new
    PID namespace. Raises `OSError` naming the call that was refused.
    """
    if os.geteuid() == 0:
        kernel.unshare(kernel.NEW_MOUNTS)
        _build(stage)
        kernel.unshare(_NAMESPACES)
        ask_for_ids()
    else:
        kernel.unshare(_NAMESPACES)
        ask_for_ids()
        _build(stage)
    os.setgid(0)
    os.setuid(0)


def _build(stage: Stage) -> None:
    kernel.make_mounts_private()
    kernel.mount("stage", stage.mount_point, "tmpfs", options="mode=755,size=1m")
    machine = stage.mount_point / MACHINE.relative_to("/")
    for name in SYSTEM_FOLDERS:
        _show(Path("/", name), machine / name)
    for name, source in stage.shown:
        _show(source, machine / name)
    for name in DEVICES:
        _show_device(name, machine / "dev")
    for name in ("sys", "proc"):
        _bind_folder(Path("/", name), machine / name)
    kernel.make_read_only(machine / "sys")
    for name in ("proc", "disks"):
        (stage.mount_point / name).mkdir()
    kernel.change_root(stage.mount_point)


def _show(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        _bind_folder(source, target)
        kernel.make_read_only(target)


def _bind_folder(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    kernel.bind(source, target)


def _show_device(name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    kernel.bind(Path("/dev", name), folder / name)
