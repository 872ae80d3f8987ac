"""Controllers that are killed at any moment, again and again: no task ran twice, and none was lost."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.cli_run import Edgectl
from tests.faults.conftest import BootSite
from tests.faults.controllers import count, counted, play, started
from tests.hosts.machines import inventory

RUNS = 12
TASKS = (1, 2, 3, 4)
_LONGEST_S = 3.5  # about as long as an undisturbed run takes


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_run_ends_as_if_nobody_had_killed_its_controllers(boot_site: BootSite, tmp_path: Path) -> None:
    hosts = [boot_site(f"n0{number}").machine for number in (1, 2, 3)]
    inventory(tmp_path / "inventory", hosts)
    playbook = play(tmp_path / "play.yaml", [count(number, "sleep 0.3") for number in TASKS])
    moments = random.Random(8)  # noqa: S311 - the same moments each time
    kills = 0
    for number in range(RUNS):
        (tmp_path / f"home{number}").mkdir()
        edgectl = Edgectl(tmp_path / f"home{number}", tmp_path / "inventory", {})
        before = [counted(host) for host in hosts]
        words: tuple[str | Path, ...] = ("run", playbook)
        for _ in range(3):
            running = started(edgectl, *words)
            time.sleep(moments.uniform(0.3, _LONGEST_S))
            kills += running.process.poll() is None
            running.kill()
            if edgectl("runs", "list", "-o", "json").report()["data"]["runs"]:
                words = ("runs", "resume")

        last = edgectl(*words, "-o", "json")

        is_over = last.code == 3 and "anything left to do" in last.err
        assert last.code == 0 or is_over, last
        assert edgectl("runs", "show", "-o", "json").report()["summary"]["changed"] == len(hosts)
        for host, was in zip(hosts, before, strict=True):
            ran = counted(host)
            assert {task: ran[task] - was[task] for task in TASKS} == dict.fromkeys(TASKS, 1)
    assert kills >= RUNS
