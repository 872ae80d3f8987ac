"""What the language costs: 200 tasks with templates, four of them loops over 100 items, on one host.

The floor is a script that writes the same files. Peers as in `test_peers.py`:

    EDGECTL_PEERS=/tmp/peers .venv/bin/pytest -m perf -s tests/perf/test_language.py

Figures are printed, never asserted: machines are shared and noisy.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hosts import machines
from tests.perf import peers
from tests.perf.fleet import PEERS, PORT, Fleet, fleet_of

TASKS, LOOPS, ITEMS = 200, 4, 100
ACTIONS = TASKS - LOOPS + LOOPS * ITEMS
WANTED = os.environ.get("EDGECTL_PERF_TOOLS", "").split(",") if "EDGECTL_PERF_TOOLS" in os.environ else None
FOLDER = "/srv/perf/words"

pytestmark = [pytest.mark.perf, pytest.mark.timeout(3600)]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    reason = machines.missing() or (
        "" if PEERS.exists() else f"needs the peers at {PEERS}: see the head of test_peers.py"
    )
    if reason:
        pytest.skip(reason)
    with fleet_of(1, tmp_path) as made:
        yield made


def test_two_hundred_tasks_with_templates_and_loops_beside_the_peers(fleet: Fleet) -> None:
    tools: dict[str, Callable[[Fleet], None]] = {
        "floor: a script over ssh": run_script,
        "edgectl": run_edgectl,
        "edgectl, second run": run_edgectl,
        "pyinfra": run_pyinfra,
        "mitogen": run_mitogen,
        "ansible-core": run_ansible,
    }
    wall: dict[str, float] = {}
    for name, run in tools.items():
        if WANTED is not None and not any(name.startswith(word) for word in WANTED):
            continue
        if "second" not in name:
            fleet.machine.run(f"rm -rf {FOLDER}; mkdir -p {FOLDER}")
        began = time.monotonic()
        run(fleet)
        wall[name] = time.monotonic() - began
        written = fleet.machine.run(f"cat {FOLDER}/* | md5sum; ls {FOLDER} | wc -l").split()
        assert written[2] == str(ACTIONS), f"{name} wrote {written[2]} files"
    floor = wall["floor: a script over ssh"]
    print(f"\n{TASKS} tasks, {LOOPS} of them over {ITEMS} items: {ACTIONS} actions on one host")
    for name, seconds in wall.items():
        over = (seconds - floor) / ACTIONS * 1000
        print(f"  {name:<28} {seconds:8.2f} s   {over:8.2f} ms an action over the script")


def run_script(fleet: Fleet) -> None:
    text = (
        "import platform\n"
        "kernel = platform.release()\n"
        "def put(name, text):\n"
        f"    open('{FOLDER}/' + name, 'w').write(text)\n"
        f"for task in range({TASKS - LOOPS}):\n"
        "    put(f'task-{task}', f'{task} of {kernel.upper()}\\n')\n"
        f"for loop in range({LOOPS}):\n"
        f"    for item in range({ITEMS}):\n"
        "        put(f'loop-{loop}-{item}', f'{item} of {kernel.upper()}\\n')\n"
    )
    known = fleet.home / "inventory/known_hosts"
    fleet.edgectl()
    ssh = ["ssh", "-p", str(PORT), "-i", str(fleet.machine.client_key), "-o", f"UserKnownHostsFile={known}"]
    subprocess.run(
        [*ssh, f"root@{fleet.addresses[0]}", "python3 -"], input=text, text=True, check=True, timeout=60
    )


def _playbook(fleet: Fleet) -> Path:
    """Write a playbook whose templates only the host can render: they need what a task of it found out."""
    path = fleet.home / "words.yaml"
    put = '      copy: {content: "WHAT of {{ kernel.stdout | upper }}\\n", dest: "FOLDER/NAME"}\n'
    tasks = ["    - {name: kernel, command: uname -r, register: kernel, changed_when: false}\n"]
    for number in range(TASKS - LOOPS):
        text = put.replace("WHAT", str(number)).replace("NAME", f"task-{number}")
        tasks.append(f"    - name: task {number}\n{text}")
    for number in range(LOOPS):
        text = put.replace("WHAT", "{{ item }}").replace("NAME", f"loop-{number}-{{{{ item }}}}")
        tasks.append(f'    - name: loop {number}\n{text}      loop: "{{{{ range({ITEMS}) | list }}}}"\n')
    path.write_text(
        f"- hosts: all\n  gather_facts: false\n  tasks:\n{''.join(tasks)}".replace("FOLDER", FOLDER)
    )
    return path


def run_edgectl(fleet: Fleet) -> None:
    ended = fleet.edgectl()("run", _playbook(fleet), "-o", "json", timeout_s=600)
    assert ended.code == 0, ended.err + ended.out[-2000:]


def run_pyinfra(fleet: Fleet) -> None:
    text = "StringIO(f'{what} of {kernel.upper()}\\n')"
    put = f"files.put(name=name, src={text}, dest='{FOLDER}/' + name)\n"
    peers.pyinfra(
        fleet,
        "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.facts.server import KernelVersion\n"
        "from pyinfra.operations import files\nkernel = host.get_fact(KernelVersion)\n"
        f"for what in range({TASKS - LOOPS}):\n"
        f"    name = f'task-{{what}}'\n    {put}"
        f"for loop in range({LOOPS}):\n    for what in range({ITEMS}):\n"
        f"        name = f'loop-{{loop}}-{{what}}'\n        {put}",
    )


def run_mitogen(fleet: Fleet) -> None:
    peers.mitogen(fleet, _playbook(fleet))


def run_ansible(fleet: Fleet) -> None:
    peers.ansible(fleet, _playbook(fleet))
