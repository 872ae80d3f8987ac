"""What was begun when a host lost its power, or was rebooted by somebody else, is not begun again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edgectl.lab.lifecycle import HostStatus, LabStatus, down, fault
from tests.cli_run import Edgectl
from tests.faults.live import live
from tests.faults.rig import COUNTER, count_up
from tests.hosts.lab_box import WENT_AWAY, address_base, await_box, bring_up

_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabStatus]:
    up = bring_up(tmp_path_factory.mktemp("power") / "lab", f"{address_base()}.81", 2)
    yield up
    down(up.directory)


def _at(lab: LabStatus, address: str, command: str) -> str:
    """Run a command at a host by another SSH client, again where the host goes down under it."""
    while True:
        box = await_box(lab.directory, address)
        try:
            done = box.run(command)
        finally:
            box.close()
        if done.code != WENT_AWAY:
            assert done.code == 0, done
            return done.out.strip()


def _power_cut(lab: LabStatus, host: HostStatus) -> None:
    """Cut a host's power and return once it has booted again."""
    before = _at(lab, host.address, _BOOT_ID)
    fault(lab.directory, host.name, "power-cut")
    while _at(lab, host.address, _BOOT_ID) == before:
        pass


@pytest.mark.parametrize("kind", ["power-cut", "reboot"])
def test_a_task_that_a_dead_host_had_begun_is_unknown_and_is_not_run_again(
    lab: LabStatus, tmp_path: Path, kind: str
) -> None:
    host = lab.hosts[0]
    _at(lab, host.address, f"rm -f {COUNTER}")
    path = tmp_path / "play.yaml"
    tasks = [count_up(1), count_up(2, sleep_s=30), count_up(3)]
    path.write_text(yaml.safe_dump([{"hosts": host.name, "gather_facts": False, "tasks": tasks}]))
    edgectl = Edgectl(tmp_path, lab.inventory, {})
    with live(edgectl, "run", path) as controller:
        assert controller.until_task("t2")
        _at(lab, host.address, f"until grep -q 2 {COUNTER}; do sleep 0.05; done")
        fault(lab.directory, host.name, kind)
        code, said = controller.ended()
    (told,) = controller.report()["hosts"]
    assert (code, told["status"], told["failed_task"]) == (5, "unknown", "t2"), (told, said)
    assert _at(lab, host.address, f"cat {COUNTER}") == "1\n2"


def test_a_task_that_only_reads_is_done_again_after_a_power_cut(lab: LabStatus, tmp_path: Path) -> None:
    host = lab.hosts[1]
    path = tmp_path / "play.yaml"
    waits = {"name": "waits", "wait_for": {"path": "/srv/go", "timeout": 60}}
    tasks = [count_up(1), waits, count_up(2)]
    path.write_text(yaml.safe_dump([{"hosts": host.name, "gather_facts": False, "tasks": tasks}]))
    edgectl = Edgectl(tmp_path, lab.inventory, {})
    with live(edgectl, "run", path) as controller:
        assert controller.until_task("waits")
        _power_cut(lab, host)
        _at(lab, host.address, "touch /srv/go")
        code, said = controller.ended()
    assert (code, controller.report()["hosts"][0]["status"]) == (0, "changed"), said
    assert _at(lab, host.address, f"cat {COUNTER}") == "1\n2"
