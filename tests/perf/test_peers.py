"""Ten small file tasks on many hosts behind one real sshd, by edgectl and by its peers, in one run.

The peers want a virtual environment of their own, since pyinfra needs an older paramiko than edgectl:

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install 'ansible-core<2.20' 'mitogen>=0.3.54' 'pyinfra>=3.10'
    EDGECTL_PEERS=/tmp/peers .venv/bin/pytest -m perf -s tests/perf

EDGECTL_PERF_HOSTS and EDGECTL_PERF_TOOLS (such as "edgectl,pyinfra") make it smaller. Figures are printed, never
asserted: machines are shared and noisy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.hosts import machines
from tests.hosts.machines import Machine

HOSTS = int(os.environ.get("EDGECTL_PERF_HOSTS", "100"))
WANTED = os.environ.get("EDGECTL_PERF_TOOLS", "").split(",") if "EDGECTL_PERF_TOOLS" in os.environ else None
TASKS = 10
PORT = 2299  # apart from the tests' other servers, since this one listens on every address
FORKS = 50
BIN = Path(os.environ.get("EDGECTL_PEERS", "/tmp/peers")) / "bin"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

pytestmark = [pytest.mark.perf, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Many names for one real server; each has a folder of its own."""

    machine: Machine
    addresses: tuple[str, ...]
    home: Path

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield each host's name and address."""
        return ((f"h{number:03}", address) for number, address in enumerate(self.addresses, start=1))


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    reason = machines.missing() or ("" if BIN.exists() else f"needs the peers at {BIN}: see this file's head")
    if reason:
        pytest.skip(reason)
    addresses = tuple(f"127.63.{number // 200}.{number % 200 + 1}" for number in range(HOSTS))
    match = "\n".join(
        f"Match LocalAddress {address}\n  SetEnv PATH={PATH} EDGECTL_HOST_ROOT=/srv/root/{address}"
        for address in addresses
    )
    key = machines.keypair(tmp_path / "client_key")
    prepare = f"mkdir -p /srv/perf && cd /srv/perf && mkdir {' '.join(addresses)}"
    folder = tmp_path / "machine"
    # sshd opens sixteen sockets at most, so it listens everywhere and lets in whoever comes over loopback.
    only = "UseDNS no\nAllowUsers root@127.*"
    machine = machines.start(
        "perf",
        addresses[0],
        folder,
        key,
        prepare=prepare,
        extra=only,
        last=match,
        listen="0.0.0.0",
        port=PORT,
    )
    yield Fleet(machine, addresses, tmp_path)
    machine.stop()


def test_ten_file_tasks_on_many_hosts_beside_the_peers(fleet: Fleet) -> None:
    tools: dict[str, Callable[[Fleet], None]] = {
        "floor: paramiko, one exec": run_floor,
        "edgectl": run_edgectl,
        "edgectl, second run": run_edgectl_again,
        "pyinfra": run_pyinfra,
        "mitogen": run_mitogen,
        "ansible-core": run_ansible,
    }
    wall: dict[str, float] = {}
    for name, run in tools.items():
        if WANTED is not None and not any(name.startswith(word) for word in WANTED):
            continue
        fleet.machine.run("rm -rf /srv/perf/*/*")
        began = time.monotonic()
        run(fleet)
        wall[name] = time.monotonic() - began
        written = int(fleet.machine.run("find /srv/perf -type f | wc -l"))
        assert written == HOSTS * TASKS, f"{name} wrote {written} files"
    print(f"\n{TASKS} file tasks on {len(fleet.addresses)} hosts behind one sshd, {os.cpu_count()} cores")
    for name, seconds in wall.items():
        print(f"  {name:<28} {seconds:8.2f} s   {seconds / wall['edgectl']:7.2f} x edgectl")


def run_floor(fleet: Fleet) -> None:
    script = Path(__file__).with_name("floor.py")
    command = [
        sys.executable,
        str(script),
        str(fleet.machine.client_key),
        str(PORT),
        str(TASKS),
        *fleet.addresses,
    ]
    subprocess.run(command, check=True, timeout=600)


def _inventory(fleet: Fleet) -> Edgectl:
    folder = fleet.home / "inventory"
    folder.mkdir(exist_ok=True)
    hosts = "".join(f"      {name}: {{address: {address}, role: gpu}}\n" for name, address in fleet.names())
    (folder / "fleet.yaml").write_text(
        f"defaults: {{ssh: {{user: root, port: {PORT}, key: {fleet.machine.client_key}}}}}\n"
        "pops:\n  perf1:\n    metro: FRA\n    region: eu\n    country: DE\n    tz: Europe/Berlin\n    state: live\n"
        f"    hosts:\n{hosts}"
    )
    _, kind, key = fleet.machine.pin().split()
    pins = "".join(f"[{address}]:{PORT} {kind} {key}\n" for address in fleet.addresses)
    (folder / "known_hosts").write_text(pins)
    return Edgectl(fleet.home, folder, {})


def _playbook(fleet: Fleet) -> Path:
    path = fleet.home / "play.yaml"
    tasks = "".join(
        f"    - name: file {number}\n"
        f"      copy:\n        content: \"number {number}\\n\"\n        mode: '0640'\n"
        f"        dest: /srv/perf/{{{{ ansible_host }}}}/{number}\n"
        for number in range(TASKS)
    )
    path.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    return path


def run_edgectl(fleet: Fleet) -> None:
    ended = _inventory(fleet)("run", _playbook(fleet), "-o", "json", timeout_s=600)
    assert ended.code == 0, ended.err + ended.out[-2000:]


run_edgectl_again = run_edgectl


def run_pyinfra(fleet: Fleet) -> None:
    inventory = fleet.home / "pyinfra_hosts.py"
    data = f'"ssh_port": {PORT}, "ssh_user": "root", "ssh_key": "{fleet.machine.client_key}"'
    known = f'"ssh_known_hosts_file": "{fleet.home / "inventory/known_hosts"}", "ssh_strict_host_key_checking": "no"'
    hosts = ", ".join(f'("{address}", {{{data}, {known}}})' for address in fleet.addresses)
    inventory.write_text(f"hosts = [{hosts}]\n")
    deploy = fleet.home / "deploy.py"
    deploy.write_text(
        "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.operations import files\n"
        f"for number in range({TASKS}):\n"
        "    files.put(name=f'file {number}', src=StringIO(f'number {number}\\n'),"
        " dest=f'/srv/perf/{host.name}/{number}', mode='640')\n"
    )
    _peer(fleet, [str(BIN / "pyinfra"), "-y", str(inventory), str(deploy)], {})


def run_ansible(fleet: Fleet) -> None:
    _ansible(fleet, {})


def run_mitogen(fleet: Fleet) -> None:
    where = "import ansible_mitogen; print(ansible_mitogen.__path__[0])"
    found = subprocess.run([str(BIN / "python"), "-c", where], capture_output=True, text=True, check=True)
    plugins = Path(found.stdout.strip()) / "plugins" / "strategy"
    _ansible(fleet, {"ANSIBLE_STRATEGY_PLUGINS": str(plugins), "ANSIBLE_STRATEGY": "mitogen_linear"})


def _ansible(fleet: Fleet, environment: dict[str, str]) -> None:
    hosts = fleet.home / "hosts.ini"
    common = f"-o UserKnownHostsFile={fleet.home / 'inventory/known_hosts'}"
    hosts.write_text(
        "".join(f"{name} ansible_host={address}\n" for name, address in fleet.names())
        + f"[all:vars]\nansible_port={PORT}\nansible_user=root\nansible_python_interpreter=/usr/bin/python3\n"
        f"ansible_ssh_private_key_file={fleet.machine.client_key}\nansible_ssh_common_args='{common}'\n"
    )
    _inventory(fleet)
    options = {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_LOCAL_TEMP": str(fleet.home / "local"),
    }
    _peer(
        fleet, [str(BIN / "ansible-playbook"), "-i", str(hosts), str(_playbook(fleet))], options | environment
    )


def _peer(fleet: Fleet, command: list[str], environment: dict[str, str]) -> None:
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
