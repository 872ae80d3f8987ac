"""One command on a thousand hosts beside its peers, and edgectl's time and memory from a hundred hosts to 4,400.

    EDGECTL_PEERS=/tmp/peers .venv/bin/pytest -m perf -s tests/perf/test_scale.py

Server and client share the machine, so that a host's own work (sshd, a shell, Python) is in every figure. The peers'
environment is that of test_peers.py. EDGECTL_PERF_SCALE="100,400" makes the curve shorter,
EDGECTL_PERF_MANY=200 the comparison smaller. Figures are printed, never asserted.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.live import live
from tests.hosts import machines
from tests.perf.fleet import PEERS, PORT, Fleet, fleet_of
from tests.perf.measured import Cost, cpu_s_of, measured

pytestmark = [pytest.mark.perf, pytest.mark.timeout(3600)]

CURVE = [int(count) for count in os.environ.get("EDGECTL_PERF_SCALE", "100,400,1600,4400").split(",")]
MANY = int(os.environ.get("EDGECTL_PERF_MANY", "1000"))
WIDTH = 64
FLOOR_HOSTS = 400
IDLE_HOSTS, IDLE_S = 300, 10.0
FURTHER = 50_000
_PSSH = """
import sys
from pssh.clients import ParallelSSHClient
key, port, width, *hosts = sys.argv[1:]
client = ParallelSSHClient(hosts, user="root", port=int(port), pkey=key, pool_size=int(width), num_retries=1)
outputs = client.run_command("true")
client.join(outputs)
assert [output.exit_code for output in outputs] == [0] * len(hosts)
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    reason = machines.missing()
    if reason:
        pytest.skip(reason)
    with fleet_of(max(*CURVE, MANY, FLOOR_HOSTS), tmp_path_factory.mktemp("scale")) as made:
        yield made


def test_one_command_on_many_hosts_beside_the_peers(fleet: Fleet) -> None:
    if not PEERS.exists():
        pytest.skip(f"needs the peers at {PEERS}: see this file's head")
    some = fleet.some(MANY)
    key = str(fleet.machine.client_key)
    known = some.edgectl().inventory / "known_hosts"
    options = f"-p {PORT} -i {key} -o UserKnownHostsFile={known}"
    clush = [str(PEERS / "clush"), "-q", "-S", "-f", str(WIDTH), "-l", "root", "-o", options]
    hosts = ["-w", ",".join(some.addresses), "true"]
    pssh = [str(PEERS / "python"), "-c", _PSSH, key, str(PORT), str(WIDTH), *some.addresses]
    costs = {
        "floor: paramiko, one exec": _floor(some),
        "edgectl exec, first contact": _edgectl(some, "exec", "all", "--", "true"),
        "edgectl exec": _edgectl(some, "exec", "all", "--", "true"),
        "edgectl ping": _edgectl(some, "ping"),
        "clush": measured([*clush, *hosts], _plain(some), some.home),
        "parallel-ssh": measured(pssh, _plain(some), some.home),
    }
    print(f"\n`true` on {MANY} hosts behind one sshd, {WIDTH} at a time, {os.cpu_count()} cores")
    _table(costs, MANY)


def test_the_curve_of_time_and_memory_against_hosts(fleet: Fleet, tmp_path: Path) -> None:
    playbook = tmp_path / "play.yaml"
    task = '{name: one, copy: {content: "x\\n", dest: "/srv/perf/{{ ansible_host }}/one"}}'
    playbook.write_text(f"- hosts: all\n  gather_facts: false\n  tasks: [{task}]\n")
    floor = _floor(fleet.some(FLOOR_HOSTS))
    costs = {}
    for count in CURVE:
        fleet.machine.run("rm -rf /srv/perf/*/* /srv/root/*")
        costs[f"{count:5} hosts"] = _edgectl(fleet.some(count), "run", str(playbook))
        costs[f"{count:5} hosts again"] = _edgectl(fleet.some(count), "run", str(playbook))
        assert int(fleet.machine.run("find /srv/perf -type f | wc -l")) == count
    rate = FLOOR_HOSTS / floor.wall_s
    print(
        f"\none file task; the floor does {rate:.0f} hosts a second ({FLOOR_HOSTS} hosts in {floor.wall_s:.1f} s)"
    )
    for name, cost in costs.items():
        count = int(name.split()[0])
        ratio, cpu_ms = cost.wall_s / (count / rate), cost.cpu_s / count * 1000
        _line(name, cost, f"{ratio:5.2f} x floor   {cpu_ms:5.1f} ms CPU a host")
    _further([cost for name, cost in costs.items() if name.endswith("again")])


def _further(costs: Sequence[Cost]) -> None:
    """Tell what more hosts would take, by the slope between the curve's ends."""
    low, high, hosts = costs[0], costs[-1], CURVE[-1] - CURVE[0]
    if hosts:
        ms, kib = (high.wall_s - low.wall_s) / hosts * 1000, (high.peak_bytes - low.peak_bytes) / hosts / 1024
        wall, memory = (FURTHER * ms) / 1000, low.peak_bytes / 2**20 + FURTHER * kib / 1024
        print(
            f"  each more host: {ms:.1f} ms, {kib:.1f} KiB; {FURTHER:,} hosts: {wall / 60:.0f} min, {memory:,.0f} MiB"
        )


def test_a_controller_whose_hosts_work_is_idle(fleet: Fleet, tmp_path: Path) -> None:
    playbook = tmp_path / "sleep.yaml"
    playbook.write_text("- hosts: all\n  gather_facts: false\n  tasks: [{name: works, shell: sleep 40}]\n")
    some = fleet.some(IDLE_HOSTS)
    begun: set[str] = set()
    with live(some.edgectl(), "run", playbook) as controller:

        def has_begun(event: dict[str, object]) -> bool:
            if event["type"] == "TaskStarted":
                begun.add(str(event["host"]))
            return len(begun) == len(some.addresses)

        assert controller.until(has_begun)
        before, began = cpu_s_of(controller.process.pid), time.monotonic()
        time.sleep(IDLE_S)
        used = cpu_s_of(controller.process.pid) - before
        share = used / (time.monotonic() - began)
        print(f"\nwhile {IDLE_HOSTS} hosts work, the controller takes {share:.1%} of a core")
        code, said = controller.ended()
    assert code == 0, said


def _floor(fleet: Fleet) -> Cost:
    script = Path(__file__).with_name("floor.py")
    words = [str(fleet.machine.client_key), str(PORT), "1", *fleet.addresses]
    return measured([sys.executable, str(script), *words], _plain(fleet), fleet.home)


def _edgectl(fleet: Fleet, *words: str) -> Cost:
    edgectl = fleet.edgectl()
    return measured([sys.executable, "-m", "edgectl", *words], edgectl.variables(), fleet.home)


def _plain(fleet: Fleet) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(fleet.home), "LC_ALL": "C.UTF-8"}


def _table(costs: dict[str, Cost], hosts: int) -> None:
    for name, cost in costs.items():
        ratio = cost.wall_s / costs["edgectl exec"].wall_s
        _line(name, cost, f"{ratio:5.2f} x edgectl   {cost.wall_s / hosts * 1000:5.1f} ms a host")


def _line(name: str, cost: Cost, rest: str) -> None:
    print(
        f"  {name:<28} {cost.wall_s:7.1f} s  {cost.cpu_s:7.1f} s CPU  {cost.peak_bytes / 2**20:6.0f} MiB   {rest}"
    )
