"""Other tools over the same hosts: from a virtual environment of their own, with their faster settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.perf.fleet import PEERS, PORT, Fleet


def pyinfra(fleet: Fleet, deploy: str) -> None:
    """Run a deploy, given as its text."""
    inventory = fleet.home / "pyinfra_hosts.py"
    data = f'"ssh_port": {PORT}, "ssh_user": "root", "ssh_key": "{fleet.machine.client_key}"'
    known = f'"ssh_known_hosts_file": "{fleet.home / "inventory/known_hosts"}", "ssh_strict_host_key_checking": "no"'
    hosts = ", ".join(f'("{address}", {{{data}, {known}}})' for address in fleet.addresses)
    inventory.write_text(f"hosts = [{hosts}]\n")
    path = fleet.home / "deploy.py"
    path.write_text(deploy)
    _run(fleet, [str(PEERS / "pyinfra"), "-y", str(inventory), str(path)], {})


def mitogen(fleet: Fleet, playbook: Path, *, forks: int = 5) -> None:
    """Run a playbook by ansible-playbook with Mitogen's strategy."""
    where = "import ansible_mitogen; print(ansible_mitogen.__path__[0])"
    found = subprocess.run([str(PEERS / "python"), "-c", where], capture_output=True, text=True, check=True)
    plugins = Path(found.stdout.strip()) / "plugins" / "strategy"
    more = {"ANSIBLE_STRATEGY_PLUGINS": str(plugins), "ANSIBLE_STRATEGY": "mitogen_linear"}
    ansible(fleet, playbook, forks=forks, more=more)


def ansible(fleet: Fleet, playbook: Path, *, forks: int = 5, more: Mapping[str, str] | None = None) -> None:
    """Run a playbook by ansible-playbook, with pipelining over one kept connection."""
    hosts = fleet.home / "hosts.ini"
    common = f"-o UserKnownHostsFile={fleet.home / 'inventory/known_hosts'}"
    hosts.write_text(
        "".join(f"{name} ansible_host={address}\n" for name, address in fleet.names())
        + f"[all:vars]\nansible_port={PORT}\nansible_user=root\nansible_python_interpreter=/usr/bin/python3\n"
        f"ansible_ssh_private_key_file={fleet.machine.client_key}\nansible_ssh_common_args='{common}'\n"
    )
    fleet.edgectl()
    options = {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": str(forks),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_LOCAL_TEMP": str(fleet.home / "local"),
    }
    command = [str(PEERS / "ansible-playbook"), "-i", str(hosts), str(playbook)]
    _run(fleet, command, options | dict(more or {}))


def _run(fleet: Fleet, command: list[str], environment: dict[str, str]) -> None:
    base = {"PATH": os.environ["PATH"], "HOME": str(fleet.home), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command,
        env=base | environment,
        cwd=fleet.home,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
