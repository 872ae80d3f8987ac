"""First Ctrl-C: start no new hosts, finish running ones. Second: detach. `runs cancel` stops the run at the host."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.live import live
from tests.faults.rig import count_up, openssh
from tests.hosts.machines import Machine, inventory

_WAVES = {"waves": [1, "100%"]}


@pytest.fixture
def machines(boot_site: BootSite, edgectl: Edgectl) -> list[Machine]:
    found = [boot_site(name).machine for name in ("n01", "n02")]
    inventory(edgectl.inventory, found)
    return found


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "play.yaml"
    tasks = [count_up(1, sleep_s=2), count_up(2)]
    path.write_text(
        yaml.safe_dump([{"hosts": "all", "gather_facts": False, "rollout": _WAVES, "tasks": tasks}])
    )
    return path


def _counted(machine: Machine) -> str:
    return openssh(machine, "cat /srv/counter 2>/dev/null || true")


def test_the_first_interrupt_finishes_the_running_host_and_starts_no_other(
    machines: list[Machine], edgectl: Edgectl, playbook: Path
) -> None:
    with live(edgectl, "run", playbook) as controller:
        assert controller.until_task("t1")
        controller.interrupt()
        code, said = controller.ended()
    statuses = {host["host"]: host["status"] for host in controller.report()["hosts"]}
    assert (code, statuses) == (130, {"n01": "changed", "n02": "not_run"}), said
    assert [_counted(machine) for machine in machines] == ["1\n2\n", ""]


def test_the_second_interrupt_detaches_and_the_attach_command_brings_the_end(
    machines: list[Machine], edgectl: Edgectl, playbook: Path
) -> None:
    with live(edgectl, "run", playbook) as controller:
        assert controller.until_task("t1")
        controller.interrupt()
        controller.interrupt()
        code, said = controller.ended()
    assert code == 130
    assert f"edgectl runs attach {controller.run}" in said
    attached = edgectl("runs", "attach", controller.run, "-o", "json")
    assert attached.host("n01")["status"] == "changed", attached
    assert [_counted(machine) for machine in machines] == ["1\n2\n", ""]
    resumed = edgectl("runs", "resume", controller.run, "-o", "json")
    assert (resumed.code, resumed.report()["summary"]["changed"]) == (0, 2), resumed
    assert [_counted(machine) for machine in machines] == ["1\n2\n", "1\n2\n"]


def test_a_cancel_stops_the_run_at_the_host_with_every_process_it_started(
    machines: list[Machine], edgectl: Edgectl, tmp_path: Path
) -> None:
    path = tmp_path / "long.yaml"
    escapes = "setsid sleep 1000 & nohup sleep 1001 & echo 1 >> /srv/counter; sleep 1002"
    tasks = [{"name": "t1", "shell": escapes}, count_up(2)]
    path.write_text(yaml.safe_dump([{"hosts": "n01", "gather_facts": False, "tasks": tasks}]))
    with live(edgectl, "run", path) as controller:
        assert controller.until_task("t1")
        openssh(machines[0], "while ! test -s /srv/counter; do sleep 0.05; done")
        cancelled = edgectl("runs", "cancel", controller.run, "-o", "json")
        code, said = controller.ended()
    assert cancelled.code == 0, cancelled
    assert code == 4, said
    assert openssh(machines[0], "pgrep -x sleep || true") == ""
    assert _counted(machines[0]) == "1\n"
