"""Ten small file tasks on many hosts behind one real sshd, by edgectl and by its peers, in one run.

The peers want a virtual environment of their own, since pyinfra needs an older paramiko than edgectl:

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install 'ansible-core<2.20' 'mitogen>=0.3.54' 'pyinfra>=3.10' parallel-ssh clustershell
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
from pathlib import Path

import pytest

from tests.hosts import machines
from tests.perf import peers
from tests.perf.fleet import PEERS, PORT, Fleet, fleet_of

HOSTS = int(os.environ.get("EDGECTL_PERF_HOSTS", "100"))
WANTED = os.environ.get("EDGECTL_PERF_TOOLS", "").split(",") if "EDGECTL_PERF_TOOLS" in os.environ else None
TASKS = 10
FORKS = 50

pytestmark = [pytest.mark.perf, pytest.mark.timeout(3600)]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    reason = machines.missing() or (
        "" if PEERS.exists() else f"needs the peers at {PEERS}: see this file's head"
    )
    if reason:
        pytest.skip(reason)
    with fleet_of(HOSTS, tmp_path) as made:
        yield made


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
    ended = fleet.edgectl()("run", _playbook(fleet), "-o", "json", timeout_s=600)
    assert ended.code == 0, ended.err + ended.out[-2000:]


run_edgectl_again = run_edgectl


def run_pyinfra(fleet: Fleet) -> None:
    peers.pyinfra(
        fleet,
        "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.operations import files\n"
        f"for number in range({TASKS}):\n"
        "    files.put(name=f'file {number}', src=StringIO(f'number {number}\\n'),"
        " dest=f'/srv/perf/{host.name}/{number}', mode='640')\n",
    )


def run_ansible(fleet: Fleet) -> None:
    peers.ansible(fleet, _playbook(fleet), forks=FORKS)


def run_mitogen(fleet: Fleet) -> None:
    peers.mitogen(fleet, _playbook(fleet), forks=FORKS)
