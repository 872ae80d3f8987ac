"""The filesystem of one lab host: its own disk, the machine's programs read-only, fresh /run, /tmp, /proc."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from edgectl.lab import kernel
from edgectl.lab.stage import DEVICES, DISKS, MACHINE, SYSTEM_FOLDERS

LAB_FOLDER = Path("usr/local/lib/edgectl-lab")
_PRIVATE_FOLDERS = ("etc", "var", "opt", "root", "home", "srv", "mnt", "media", "boot")
_BOOT_ID = Path("proc/sys/kernel/random/boot_id")
_STREAMS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


@dataclass(frozen=True, slots=True)
class Disk:
    """What a host keeps across reboots, in memory: its root folder and its /usr/local."""

    folder: Path

    @property
    def root(self) -> Path:
        """The folder that becomes the host's `/`."""
        return self.folder / "root"

    @property
    def local(self) -> Path:
        """The folder that becomes the host's `/usr/local`."""
        return self.folder / "local"


def attach_disk(host: str, size_mb: int) -> Disk:
    """Mount an empty disk for `host`, or return the one it already has."""
    disk = Disk(DISKS / host)
    if disk.folder.is_dir():
        return disk
    disk.folder.mkdir()
    kernel.mount("disk", disk.folder, "tmpfs", options=f"mode=755,size={size_mb}m")
    disk.root.mkdir()
    for name in ("bin", "sbin", "lib", "etc", "share", "src"):
        (disk.local / name).mkdir(parents=True)
    for name in _PRIVATE_FOLDERS:
        (disk.root / name).mkdir()
    (disk.root / "root").chmod(0o700)
    return disk


def enter_root(disk: Disk, shown: tuple[str, ...]) -> None:
    """Make the disk this process's `/`, in a mount and PID namespace that is new with this boot."""
    root = disk.root
    kernel.bind(root, root)
    for name in SYSTEM_FOLDERS:
        _show_machine(name, root / name)
    kernel.bind(disk.local, root / "usr/local")
    for name in shown:
        _bind_folder(MACHINE / name, root / LAB_FOLDER / name)
    _mount_fresh(root)
    _make_devices(root / "dev")
    _bind_folder(MACHINE / "sys", root / "sys")
    _new_boot_id(root)
    kernel.change_root(root)


def _show_machine(name: str, target: Path) -> None:
    source = MACHINE / name
    if source.is_symlink():
        if not target.is_symlink():
            target.symlink_to(source.readlink())
    elif source.is_dir():
        _bind_folder(source, target)


def _bind_folder(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    kernel.bind(source, target)


def _mount_fresh(root: Path) -> None:
    for name, mode in (("run", "755"), ("tmp", "1777"), ("dev", "755")):
        (root / name).mkdir(exist_ok=True)
        kernel.mount(name, root / name, "tmpfs", kernel.NO_SUID | kernel.NO_DEV, f"mode={mode},size=256m")
    (root / "proc").mkdir(exist_ok=True)
    kernel.mount("proc", root / "proc", "proc", kernel.NO_SUID | kernel.NO_DEV | kernel.NO_EXEC)


def _make_devices(folder: Path) -> None:
    for name in DEVICES:
        (folder / name).touch()
        kernel.bind(MACHINE / "dev" / name, folder / name)
    for name, target in _STREAMS.items():
        (folder / name).symlink_to(target)
    for name, mode in (("shm", 0o1777), ("pts", 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    kernel.mount("devpts", folder / "pts", "devpts", options="newinstance,ptmxmode=0666,mode=620")
    (folder / "ptmx").symlink_to("pts/ptmx")


def _new_boot_id(root: Path) -> None:
    state = root / "run/edgectl-lab"
    state.mkdir()
    boot_id = state / "boot_id"
    boot_id.write_text(f"{uuid.uuid4()}\n", encoding="utf-8")
    boot_id.chmod(0o444)
    kernel.bind(boot_id, root / _BOOT_ID)
