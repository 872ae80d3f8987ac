"""Ctrl-C where processes work on the hosts: it reaches all of them, and means what it means without them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import yaml

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.live import Live, live
from tests.faults.rig import count_up, openssh
from tests.hosts.machines import Machine, inventory


@pytest.fixture
def machines(boot_site: BootSite, edgectl: Edgectl) -> list[Machine]:
    found = [boot_site(name).machine for name in ("n01", "n02")]
    inventory(edgectl.inventory, found)
    return found


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "play.yaml"
    rollout = {"waves": [1, "100%"]}
    tasks = [count_up(1, sleep_s=3), count_up(2)]
    path.write_text(
        yaml.safe_dump([{"hosts": "all", "gather_facts": False, "rollout": rollout, "tasks": tasks}])
    )
    return path


def _counted(machine: Machine) -> str:
    return openssh(machine, "cat /srv/counter 2>/dev/null || true")


def press_ctrl_c(controller: Live) -> None:
    """Interrupt the whole group of processes, as a terminal does, and wait until the controller has noticed."""
    os.killpg(controller.process.pid, signal.SIGINT)
    assert controller.process.stderr is not None
    for line in controller.process.stderr:
        controller.said += line
        if "interrupted" in line or "detached" in line:
            return


def test_the_first_one_finishes_the_running_host_and_starts_no_other(
    machines: list[Machine], edgectl: Edgectl, playbook: Path
) -> None:
    with live(edgectl, "run", playbook, "--pool", "processes:2") as controller:
        assert controller.until_task("t1")
        press_ctrl_c(controller)
        code, said = controller.ended()
    statuses = {host["host"]: host["status"] for host in controller.report()["hosts"]}

    assert (code, statuses) == (130, {"n01": "changed", "n02": "not_run"}), said
    assert [_counted(machine) for machine in machines] == ["1\n2\n", ""]
    assert "Traceback" not in said


def test_the_second_one_leaves_at_once_and_the_work_goes_on(
    machines: list[Machine], edgectl: Edgectl, playbook: Path
) -> None:
    with live(edgectl, "run", playbook, "--pool", "processes:2") as controller:
        assert controller.until_task("t1")
        press_ctrl_c(controller)
        press_ctrl_c(controller)
        code, said = controller.ended()
    assert code == 130
    assert f"edgectl runs attach {controller.run}" in said
    assert "Traceback" not in said
    attached = edgectl("runs", "attach", controller.run, "-o", "json")

    assert attached.host("n01")["status"] == "changed", attached
    assert [_counted(machine) for machine in machines] == ["1\n2\n", ""]
