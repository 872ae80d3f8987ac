"""What one machine is made of: the files laid over Debian's at its first boot, and the words that boot it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST_KEY = "etc/ssh/edgectl_host_key"
OWN_KEY, CHANGED_KEY = f"{HOST_KEY}.own", f"{HOST_KEY}.changed"
_SSHD = """\
Port {port}
ListenAddress {address}
HostKey /{key}
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
MaxStartups 100
"""
_HOSTS = "127.0.0.1 localhost\n127.0.1.1 {name}\n"


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine as its keeper boots it.

    `folder` holds the files to lay over (`layer`) and gets its console (`log`); `root` is the Debian below;
    `cgroups` are its own ones; `wire` is its address with the prefix's length, empty in a shared network.
    """

    name: str
    folder: str
    root: str
    disk_mb: int
    cgroups: tuple[str, ...]
    wire: str = ""

    @property
    def layer(self) -> Path:
        """The files to lay over."""
        return layer_in(Path(self.folder))

    @property
    def log(self) -> Path:
        """What its console prints."""
        return Path(self.folder) / "log"


@dataclass(frozen=True, slots=True)
class Access:
    """How a machine takes logins: where its sshd listens, its private keys by file name, who may be root."""

    address: str
    port: int
    host_keys: Mapping[str, str]
    authorized_key: str


def layer_in(folder: Path) -> Path:
    """Return where the files to lay over a machine's own lie."""
    return folder / "layer"


def write_layer(folder: Path, name: str, access: Access, tree: Path | None = None) -> None:
    """Write what makes a machine itself; with the files of `tree`, where there is one."""
    layer = layer_in(folder)
    layer.mkdir(parents=True)
    if tree is not None:
        shutil.copytree(tree, layer, dirs_exist_ok=True)
    sshd = _SSHD.format(port=access.port, address=access.address, key=HOST_KEY)
    _write(layer / "etc/ssh/sshd_config.d/edgectl.conf", sshd)
    _write(layer / "etc/hostname", f"{name}\n")
    _write(layer / "etc/hosts", _HOSTS.format(name=name))
    _write(layer / "root/.ssh/authorized_keys", access.authorized_key, 0o600)
    for path, key in access.host_keys.items():
        _write(layer / path, key, 0o600)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def lay_over(layer: Path, root: Path) -> None:
    """Copy a layer's files onto a machine's disk; folders that are there keep their modes."""
    for path in sorted(layer.rglob("*")):
        target = root / path.relative_to(layer)
        if path.is_dir() and not path.is_symlink():
            target.mkdir(exist_ok=True)
        else:
            target.unlink(missing_ok=True)
            shutil.copy2(path, target, follow_symlinks=False)


def boot_command(machine: Machine, directory: Path, network_namespace: Path | None) -> list[str]:
    """Return the words that boot a machine from `directory`, in a network of its own where it has one."""
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",  # there is no systemd on this side to register with
        "--keep-unit",
        f"--machine={machine.name}",
        f"--hostname={machine.name}",
        "--resolv-conf=off",
        "--timezone=off",
        "--notify-ready=yes",
        f"--directory={directory}",
        "--boot",
        "--console=pipe",
        *([f"--network-namespace-path={network_namespace}"] if network_namespace else []),
        *(["--capability=CAP_NET_ADMIN"] if network_namespace else []),
    ]
