"""The ways to log in that a fleet uses: an agent, a certificate, and what ~/.ssh/config says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.hosts.conftest import Boot
from tests.hosts.machines import PORT, inventory, keypair


def _without_key(edgectl: Edgectl) -> None:
    fleet = edgectl.inventory / "fleet.yaml"
    line, rest = fleet.read_text().split("\n", 1)
    fleet.write_text(f"{line.split(', key:')[0]}}}}}\n{rest}")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """An SSH agent of the test's own; yields its socket."""
    socket = tmp_path / "agent"
    running = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert running.poll() is None
    yield str(socket)
    running.terminate()
    running.wait()


def test_an_agent_s_key_is_used_where_the_inventory_names_none(
    boot: Boot, edgectl: Edgectl, agent: str
) -> None:
    host = boot("n01")
    inventory(edgectl.inventory, [host])
    _without_key(edgectl)
    assert "no key to log in with" in edgectl("ping").out

    add = ["ssh-add", "-q", str(host.client_key)]
    subprocess.run(add, env={"SSH_AUTH_SOCK": agent, "PATH": "/usr/bin:/bin"}, check=True)

    assert edgectl("ping", more={"SSH_AUTH_SOCK": agent}).code == 0


def test_a_certificate_beside_the_key_lets_us_in(boot: Boot, edgectl: Edgectl, tmp_path: Path) -> None:
    authority = keypair(tmp_path / "ca")
    key = keypair(tmp_path / "signed")
    trusting = f"cp {authority}.pub /etc/ca.pub && echo nobody > /etc/edgectl-test-keys"
    host = boot("n01", prepare=trusting, extra="TrustedUserCAKeys /etc/ca.pub")
    inventory(edgectl.inventory, [host])
    fleet = edgectl.inventory / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace(str(host.client_key), str(key)))
    assert edgectl("ping").code == 5

    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "edgectl", "-n", "root", f"{key}.pub"]
    subprocess.run(sign, check=True)

    assert edgectl("ping").code == 0


def test_ssh_config_fills_what_the_inventory_leaves_open(boot: Boot, edgectl: Edgectl) -> None:
    host = boot("n01")
    inventory(edgectl.inventory, [host])
    fleet = edgectl.inventory / "fleet.yaml"
    fleet.write_text(fleet.read_text().split("\n", 1)[1])
    config = edgectl.home / ".ssh" / "config"
    config.parent.mkdir()
    config.write_text(f"Host n01\n  User root\n  Port {PORT}\n  IdentityFile {host.client_key}\n")

    assert edgectl("ping").code == 0


def test_a_key_with_a_passphrase_says_to_use_an_agent(boot: Boot, edgectl: Edgectl, tmp_path: Path) -> None:
    host = boot("n01")
    inventory(edgectl.inventory, [host])
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)], check=True)
    fleet = edgectl.inventory / "fleet.yaml"
    fleet.write_text(fleet.read_text().replace(str(host.client_key), str(locked)))

    ended = edgectl("ping")

    assert ended.code == 5
    assert "has a passphrase" in ended.out
    assert f"ssh-add {locked}" in ended.out
