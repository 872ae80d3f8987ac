"""After `kill -9` of the controller at any moment, `runs resume` reaches the same end state as an undisturbed run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.live import live
from tests.faults.rig import Site, count_up
from tests.hosts.machines import inventory

_TASKS = [
    count_up(1),
    {"name": "copies", "copy": {"content": "same\n", "dest": "/srv/file"}, "notify": "counts"},
    count_up(2, sleep_s=0.2),
]
_HANDLER = {**count_up(3), "name": "counts"}
_NAMES = ["t1", "copies", "t2", "counts"]


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "play.yaml"
    play = {"hosts": "all", "gather_facts": False, "tasks": _TASKS, "handlers": [_HANDLER]}
    path.write_text(yaml.safe_dump([play], sort_keys=False))
    return path


def _is_over_after(number: int, edgectl: Edgectl, playbook: Path, sites: list[Site]) -> bool:
    """Kill the controller behind its event of this number, resume, and look at every host; True at the last event."""
    for site in sites:
        site.machine.run("rm -rf /srv/*")
    with live(edgectl, "run", playbook) as controller:
        seen = 0

        def count(_: object) -> bool:
            nonlocal seen
            seen += 1
            return seen == number

        reached = controller.until(count)
        controller.kill()
        assert reached, controller.events
        is_over = bool(controller.events[-1]["type"] == "report")
    resumed = edgectl("runs", "resume", controller.run, "-o", "json")
    for site in sites:
        truth = site.truth(controller.run)
        where = (number, controller.events[-1], resumed)
        assert truth.ran == Counter({1: 1, 2: 1, 3: 1}), where
        assert site.see("cat /srv/file") == "same\n", where
        assert [name for name, _ in truth.ends()] == _NAMES, where
        if not is_over:
            host = resumed.host(site.machine.name)
            assert (resumed.code, host["status"]) == (0, "changed"), where
            assert [(task["name"], task["status"]) for task in host["tasks"]] == truth.ends(), where
    return is_over


def test_a_controller_killed_at_any_event_is_resumed_to_the_same_end(
    site: Site, edgectl: Edgectl, playbook: Path
) -> None:
    inventory(edgectl.inventory, [site.machine])
    number = 1
    while not _is_over_after(number, edgectl, playbook, [site]):
        number += 1


@pytest.mark.long
@pytest.mark.timeout(900)
def test_three_hosts_are_resumed_to_the_same_end_from_any_event(
    boot_site: BootSite, edgectl: Edgectl, playbook: Path
) -> None:
    sites = [boot_site(f"n{number:02}") for number in range(1, 4)]
    inventory(edgectl.inventory, [site.machine for site in sites])
    number = 1
    while not _is_over_after(number, edgectl, playbook, sites):
        number += 1
