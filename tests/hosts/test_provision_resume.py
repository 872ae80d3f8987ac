"""`kill -9` of the controller while it provisions a real Debian: resumed, the same end, and nothing done twice."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgectl import shipped
from tests.cli_run import Ended
from tests.faults.live import live
from tests.hosts import nspawn, nvidia_archive
from tests.hosts.debian_rack import debian_rack, node_tree

pytestmark = pytest.mark.timeout(600)
NODE = "fra1-r1-n01"
PLAYBOOK = shipped.playbooks() / "provision.yaml"
# What a node is in the end, and what was done to it on the way: packages with their holds, transactions of apt,
# boots, files of ours, certificates.
_LOOK = """
dpkg-query -W -f='${Package} ${Version} ${Status}\\n'
grep -c ^Start-Date /var/log/apt/history.log; wc -l < /var/log/boots
cat /boot/grub/grub.cfg /etc/apt/preferences.d/* /etc/modprobe.d/*; ls /var/lib/edgectl/certificates
systemctl is-enabled chrony nvidia-persistenced nvidia-dcgm; systemctl is-active chrony nvidia-persistenced nvidia-dcgm
"""


@dataclass(frozen=True)
class Killed:
    """One run that was cut off behind its event of some number, and carried on."""

    is_over: bool
    events: int
    resumed: Ended
    end: str


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


@pytest.mark.parametrize("number", [25, 64, 90])
def test_a_controller_killed_on_the_way_is_resumed_to_the_same_node(
    number: int, tree: Path, undisturbed: str, tmp_path: Path
) -> None:
    killed = killed_behind(number, tree, tmp_path / "rack")

    assert killed.events == number
    assert_same(killed, undisturbed)


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
