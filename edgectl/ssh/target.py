"""A host of the inventory becomes something to dial; ~/.ssh/config fills what the inventory leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import paramiko

from edgectl.inventory.model import Bastion, Host
from edgectl.ssh.hostkeys import HostKey, KnownHosts, name_of, parse_key

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Target:
    """Where and as whom to log in, and which keys the other end may show."""

    name: str
    address: str
    port: int
    user: str
    key: Path | None
    host_keys: frozenset[HostKey]
    bastion: Bastion | None = None


@dataclass(frozen=True, slots=True)
class SshDefaults:
    """What the inventory leaves open: the user's ssh_config and login name, and the pinned keys."""

    config: paramiko.SSHConfig
    login: str
    home: Path
    known_hosts: KnownHosts


def target_of(host: Host, defaults: SshDefaults) -> Target:
    """Return the target of an inventory host; the inventory's word is stronger than ssh_config's."""
    said = defaults.config.lookup(host.name)
    address = host.address or said.get("hostname", host.name)
    port = host.ssh.port or int(said.get("port", _SSH_PORT))
    identity = host.ssh.key or next(iter(said.get("identityfile", [])), None)
    pinned = defaults.known_hosts.of(host.name, name_of(address, port))
    return Target(
        name=host.name,
        address=address,
        port=port,
        user=host.ssh.user or said.get("user", defaults.login),
        key=_expanded(identity, defaults.home),
        host_keys=frozenset({parse_key(host.host_key)}) if host.host_key else pinned,
        bastion=host.ssh.bastion,
    )


def bastion_target(bastion: Bastion, defaults: SshDefaults) -> Target:
    """Return the target of a bastion; one without a key of its own is entered with the agent's."""
    port = bastion.port or _SSH_PORT
    return Target(
        name=f"bastion {bastion.address}",
        address=bastion.address,
        port=port,
        user=bastion.user or defaults.login,
        key=_expanded(bastion.key, defaults.home),
        host_keys=defaults.known_hosts.of(name_of(bastion.address, port)),
    )


def _expanded(path: str | None, home: Path) -> Path | None:
    if path is None:
        return None
    return home / path[2:] if path.startswith("~/") else Path(path)
