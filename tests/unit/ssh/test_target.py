from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import paramiko
import pytest

from edgectl.inventory.model import SshOptions
from edgectl.ssh.hostkeys import HostKey, KnownHosts
from edgectl.ssh.target import SshDefaults, bastion_target, target_of
from tests.fakes.fleet import a_bastion, a_host

CONFIG = "Host fra1-*\n  User cfg\n  Port 2200\n  IdentityFile /cfg/key\n  HostName 10.9.9.9\n"
KEY, OTHER = HostKey("ssh-ed25519", "AAAA"), HostKey("ssh-ed25519", "BBBB")
HOME = Path("/home/me")


def _defaults(config: str = "", pinned: Mapping[str, HostKey] | None = None) -> SshDefaults:
    known = KnownHosts({name: frozenset({key}) for name, key in (pinned or {}).items()})
    return SshDefaults(paramiko.SSHConfig.from_text(config), "me", HOME, known)


PRECEDENCE = [
    ("", SshOptions(), "127.9.0.1", ("127.9.0.1", 22, "me", None)),
    (CONFIG, SshOptions(), "127.9.0.1", ("127.9.0.1", 2200, "cfg", Path("/cfg/key"))),
    (CONFIG, SshOptions(), "", ("10.9.9.9", 2200, "cfg", Path("/cfg/key"))),
    (CONFIG, SshOptions("inv", 22, "~/inv"), "127.9.0.1", ("127.9.0.1", 22, "inv", HOME / "inv")),
]


@pytest.mark.parametrize(("config", "ssh", "address", "dialled"), PRECEDENCE)
def test_the_inventory_is_stronger_than_ssh_config_and_that_than_defaults(
    config: str, ssh: SshOptions, address: str, dialled: tuple[object, ...]
) -> None:
    target = target_of(a_host("fra1-n01", ssh=ssh, address=address), _defaults(config))

    assert (target.address, target.port, target.user, target.key) == dialled


def test_a_key_in_the_inventory_is_stronger_than_known_hosts() -> None:
    host = a_host("n01", host_key="ssh-ed25519 AAAA comment")

    assert target_of(host, _defaults(pinned={"n01": OTHER})).host_keys == {KEY}


def test_a_key_is_known_by_the_hosts_name_before_its_address() -> None:
    defaults = _defaults(pinned={"n01": KEY, "127.9.0.1": OTHER})

    assert target_of(a_host("n01"), defaults).host_keys == {KEY}
    assert target_of(a_host("n02"), defaults).host_keys == {OTHER}


def test_a_bastion_is_known_by_its_address() -> None:
    target = bastion_target(a_bastion(), _defaults(pinned={"203.0.113.5": KEY}))

    assert (target.user, target.port) == ("jump", 22)
    assert target.host_keys == {KEY}
