"""`kill -9` of the controller while it provisions real Debians: resumed, the same end, and nothing done twice."""

from __future__ import annotations

import itertools
import os
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgectl import shipped
from tests.cli_run import Ended
from tests.faults.live import live
from tests.hosts import nspawn, nvidia_archive
from tests.hosts.debian_rack import Rack, debian_rack, node_tree

pytestmark = pytest.mark.timeout(600)
NODE = "fra1-r1-n01"
PLAYBOOK = shipped.playbooks() / "provision.yaml"
# What a node is in the end, and what was done to it on the way: packages with their holds, transactions of apt,
# boots, pushes into its DPU, files of ours, certificates.
_LOOK = """
dpkg-query -W -f='${Package} ${Version} ${Status}\\n'
grep -c ^Start-Date /var/log/apt/history.log; wc -l < /var/log/boots; cat /var/lib/fake-dpu/pushes
cat /boot/grub/grub.cfg /etc/apt/preferences.d/* /etc/modprobe.d/* /etc/apt/apt.conf.d/52edgectl-nvidia
cat /etc/security/limits.d/90-edgectl.conf; ls /var/lib/edgectl/certificates
for s in chrony nvidia-persistenced nvidia-dcgm rshim; do systemctl is-enabled $s; systemctl is-active $s; done
"""
# Early in apt, at the flash, at the driver, at the reboot, and in the acceptance.
ON_THE_WAY = (25, 54, 73, 92, 165)
_RUNS_MAX = 3000


@dataclass
class Chain:
    """One run whose controller was killed again and again; `seen` are the events of its hosts that it had."""

    run: str = ""
    kills: int = 0
    seen: set[tuple[str, int]] = field(default_factory=set)
    report: dict[str, Any] = field(default_factory=dict)

    def is_new(self, event: dict[str, Any]) -> bool:
        """Tell whether a host says something that no controller of this run had before."""
        event_of = (event.get("host", ""), event.get("seq", 0))
        if event_of[1] == 0 or event_of in self.seen:
            return False
        self.seen.add(event_of)
        return True


def chain(rack: Rack, at: Container[int] | None = None) -> Chain:
    """Run, and kill the controller behind every event that none had before (or only those in `at`), to the end."""
    made = Chain()
    for _ in range(_RUNS_MAX):
        words: tuple[str | Path, ...] = ("runs", "resume", made.run) if made.run else ("run", PLAYBOOK)
        with live(rack.edgectl, *words) as controller:

            def is_due(event: dict[str, Any]) -> bool:
                return made.is_new(event) and (at is None or len(made.seen) in at)

            was_due = controller.until(is_due)
            controller.kill()
            made.run = made.run or controller.run
        if not was_due:
            made.report = controller.report()
            return made
        made.kills += 1
    raise AssertionError(made)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    return node_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def undisturbed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    with debian_rack(tmp_path_factory.mktemp("calm"), f"127.95.{os.getpid() % 250}", 1, tree) as rack:
        ended = rack.edgectl("run", PLAYBOOK, timeout_s=300)
        assert ended.code == 0, ended
        return rack.machines[NODE].run(_LOOK)


def test_a_controller_killed_again_and_again_is_resumed_to_the_same_node(
    tree: Path, undisturbed: str, tmp_path: Path
) -> None:
    with debian_rack(tmp_path, f"127.96.{os.getpid() % 250}", 1, tree) as rack:
        made = chain(rack, ON_THE_WAY)

        assert (made.kills, made.report["exit_code"]) == (len(ON_THE_WAY), 0), made
        assert rack.machines[NODE].run(_LOOK) == undisturbed


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_rack_whose_controller_is_killed_behind_every_event_ends_as_one_that_was_left_alone(
    tree: Path, undisturbed: str, tmp_path: Path
) -> None:
    with debian_rack(tmp_path, f"127.98.{os.getpid() % 250}", 4, tree, dpus=4) as rack:
        made = chain(rack)

        assert made.report["exit_code"] == 0, made.report
        assert made.kills == len(made.seen), made.report["summary"]
        nodes = [machine for name, machine in rack.machines.items() if not name.endswith("-dpu0")]
        assert [node.run(_LOOK) for node in nodes] == [undisturbed] * 4
        assert rack.edgectl("provision", "verify").code == 0
        again = rack.provision("all", "-y").report()["summary"]
        assert (again["changed"], again["ok"]) == (0, 4)


@dataclass(frozen=True)
class Killed:
    """One run that was cut off behind its event of some number, and carried on."""

    is_over: bool
    events: int
    resumed: Ended
    end: str


def killed_behind(number: int, tree: Path, folder: Path) -> Killed:
    folder.mkdir()
    with debian_rack(folder, f"127.96.{os.getpid() % 250}", 1, tree) as rack:
        with live(rack.edgectl, "run", PLAYBOOK) as controller:
            seen = 0

            def count(_: object) -> bool:
                nonlocal seen
                seen += 1
                return seen == number

            controller.until(count)
            controller.kill()
            is_over = controller.events[-1]["type"] == "report"
        resumed = rack.edgectl("runs", "resume", controller.run, "-o", "json", timeout_s=300)
        return Killed(is_over, len(controller.events), resumed, rack.machines[NODE].run(_LOOK))


def assert_same(killed: Killed, undisturbed: str) -> None:
    where = (killed.events, killed.resumed)
    if not killed.is_over:
        assert (killed.resumed.code, killed.resumed.host(NODE)["status"]) == (0, "changed"), where
    assert killed.end == undisturbed, where


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_controller_killed_at_any_event_is_resumed_to_the_same_node(
    tree: Path, undisturbed: str, tmp_path: Path
) -> None:
    for number in itertools.count(1):
        killed = killed_behind(number, tree, tmp_path / f"{number}")
        assert_same(killed, undisturbed)
        if killed.is_over:
            break
