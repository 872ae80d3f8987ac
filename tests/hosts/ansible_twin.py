"""One playbook, two equal hosts: ansible-playbook on one, edgectl on the other; then everything is compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli_run import Edgectl
from tests.hosts.machines import PORT, Machine, inventory

ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
CALLBACKS = Path(__file__).parent / "ansible_callback"
_CONFIG = """\
[defaults]
host_key_checking = True
stdout_callback = twin
callback_plugins = {callbacks}
gathering = smart
interpreter_python = /usr/bin/python3
retry_files_enabled = False
[ssh_connection]
pipelining = True
"""
# Where playbooks of these tests write; what edgectl and Ansible keep for themselves is elsewhere.
_TREES = ("/srv", "/etc/twin")
_LIST_TREE = """\
import hashlib, json, os, stat, sys
found = {}
for top in sys.argv[1:]:
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            seen = os.lstat(path)
            entry = [oct(seen.st_mode), seen.st_uid, seen.st_gid]
            if stat.S_ISLNK(seen.st_mode):
                entry.append(os.readlink(path))
            elif stat.S_ISREG(seen.st_mode):
                entry.append(hashlib.sha256(open(path, "rb").read()).hexdigest())
            found[path] = entry
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Told:
    """How a tool says a host went, in Ansible's words."""

    tasks: tuple[tuple[str, str], ...]
    code: int

    @property
    def counts(self) -> Counter[str]:
        """Return how many tasks ended how."""
        return Counter(status for _, status in self.tasks)


def missing() -> str:
    """Return why there is no oracle, or an empty text."""
    return "" if ANSIBLE.exists() else "needs ansible-core: pip install 'edgectl[dev]'"


def run_ansible(playbook: Path, machine: Machine, home: Path, *options: str) -> Told:
    """Run a playbook by ansible-playbook and tell each task's end."""
    done = command_for_ansible(playbook, machine, home, *options)
    # Taking a file in is a task of its own for Ansible; for edgectl it is the tasks in it.
    ends = [(end["task"], end["status"]) for end in said_by_ansible(done)]
    tasks = tuple(end for end in ends if not end[0].endswith(("Gathering Facts", "include_tasks")))
    return Told(tasks, done.returncode)


def said_by_ansible(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return what the callback said of each task's end."""
    said = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("TWIN ")]
    assert said, done.stdout + done.stderr
    return said


def command_for_ansible(
    playbook: Path, machine: Machine, home: Path, *options: str, timeout_s: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a playbook by ansible-playbook."""
    (home / "ansible.cfg").write_text(_CONFIG.format(callbacks=CALLBACKS))
    (home / "known_hosts").write_text(machine.pin() + "\n")
    hosts = home / "hosts.ini"
    ssh = f"-o UserKnownHostsFile={home / 'known_hosts'}"
    hosts.write_text(
        f"{machine.name} ansible_host={machine.address} ansible_port={PORT} ansible_user=root "
        f"ansible_ssh_private_key_file={machine.client_key} ansible_ssh_common_args='{ssh}'\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "LC_ALL": "C.UTF-8",
        # Where collections lie that ansible-core does not bring along.
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("EDGECTL_ANSIBLE_COLLECTIONS", str(home / "collections")),
    }
    command = [str(ANSIBLE), "-i", str(hosts), str(playbook), *options]
    with tempfile.TemporaryDirectory(prefix="cp-") as sockets:  # a path that is short enough for a socket
        environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = sockets
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )


def run_edgectl(edgectl: Edgectl, playbook: Path, machine: Machine, *options: str) -> Told:
    """Run a playbook by edgectl and tell each task's end in the same words."""
    inventory(edgectl.inventory, [machine])
    ended = edgectl("run", playbook, "-o", "json", *options)
    assert ended.out, ended.err
    tasks = ended.host(machine.name)["tasks"]
    # For Ansible a task that failed in a block failed, whatever came to its rescue.
    ends = [
        (task["name"], task["status"].replace("rescued", "failed"))
        for task in tasks
        if task["module"] != "meta"
    ]
    told = tuple(end for end in ends if end[0] != "Gathering Facts")
    return Told(told, ended.code)


def tree(machine: Machine) -> dict[str, Any]:
    """Return everything below the compared folders: mode, owner and digest of each path."""
    found = json.loads(machine.run(f"/usr/bin/python3 -c '{_LIST_TREE}' {' '.join(_TREES)}"))
    assert isinstance(found, dict)
    return found
