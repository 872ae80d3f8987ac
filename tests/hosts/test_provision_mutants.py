"""Every program that provisioning calls, replaced by one that lies: none may pass, and the right task is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl import shipped
from edgectl.lab.layout import Network
from edgectl.lab.lifecycle import down
from tests.cli_run import Edgectl, Ended
from tests.hosts import nspawn, nvidia_archive, provision_tools
from tests.hosts.debian_lab import DebianLab, bring_up, over
from tests.hosts.debian_rack import Rack, debian_rack, node_tree
from tests.hosts.disks import ID, loop_device, show_disk
from tests.hosts.fake_dpu import MEMORY
from tests.hosts.mutants import NO_PROGRAMS, TOOLS, UNJUDGED, Lie, Scene, rows

pytestmark = pytest.mark.timeout(600)
NODE = "fra1-r1-n01"
# What comes early in the chain is shown each time, the whole table in a campaign.
_QUICK = {
    ("apt-get", Lie.NOTHING),
    ("systemctl", Lie.HALF),
    ("update-grub", Lie.FAILS),
    ("mkfs.ext4", Lie.NOTHING),
}
_DEADLINE, _REBOOT_S = "20s", 20


def test_every_program_that_provisioning_calls_has_its_rows() -> None:
    named = {name.partition(" ")[0] for name in TOOLS} | set(UNJUDGED) | NO_PROGRAMS
    assert provision_tools.called() - named == set()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    return node_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def rack(tmp_path: Path, tree: Path) -> Iterator[Rack]:
    with debian_rack(tmp_path, f"127.94.{os.getpid() % 250}", 1, tree) as made:
        yield made


def hurried(folder: Path) -> Path:
    """Return a copy of the shipped playbooks in which nothing may take longer than 20 s, or is tried often."""
    folder.mkdir(exist_ok=True)
    for path in shipped.playbooks().glob("*.yaml"):
        plays = yaml.safe_load(path.read_text())
        for play in plays:
            if "hosts" in play:
                play["timeout"] = _DEADLINE
            for task in (*play.get("tasks", ()), *play.get("handlers", ())):
                task.update({"timeout": _DEADLINE} if "timeout" in task else {})
                task.update({"retries": 2, "delay": "1s"} if "retries" in task else {})
        (folder / path.name).write_text(yaml.safe_dump(plays, sort_keys=False))
    if not (folder / "templates").exists():
        (folder / "templates").symlink_to(shipped.playbooks() / "templates")
        (folder / "files").symlink_to(shipped.playbooks() / "files")
    return folder


def planted(tool: str, lie: Lie) -> str:
    """Return the command that puts a liar in the place of a program."""
    name = tool.partition(" ")[0]
    place = f"{TOOLS[tool].place}/{name}"
    script, _ = TOOLS[tool].row(lie)
    if name == "sshd" and lie is not Lie.HALF:
        script = f'case $1 in -t|-T) {script} ;; esac; exec {place}.real "$@"'
    keep = f"[ -e {place}.real ] || mv {place} {place}.real; " if TOOLS[tool].place == "/usr/sbin" else ""
    return f"{keep}cat > {place} <<'EOF'\n#!/bin/sh\n{script}\nEOF\nchmod 755 {place}"


def told(ended: Ended, host: str) -> str:
    """Return which task told that something is wrong."""
    found = ended.host(host)
    assert (ended.code, found["status"]) in ((4, "failed"), (5, "unknown")), ended
    return str(found["failed_task"])


def told_by(rack: Rack, tool: str, lie: Lie) -> str:
    """Prepare the scene, plant the liar, and run."""
    books, prepare, more = scene_of(TOOLS[tool].scene)
    machine = rack.machines[NODE]
    prepare(rack)
    machine.run(planted(tool, lie))
    folder = hurried(rack.folder / "playbooks")
    for book in books[:-1]:
        done = rack.edgectl("run", folder / book, "-o", "json", *more, timeout_s=200)
        assert done.code == 0, done
    given = ("-e", f"reboot_timeout_s={_REBOOT_S}", *more)
    return told(rack.edgectl("run", folder / books[-1], "-o", "json", *given, timeout_s=400), NODE)


def scene_of(scene: Scene) -> tuple[tuple[str, ...], Any, tuple[str, ...]]:
    """Return the playbooks of a scene, what prepares the host for it, and what is said to them."""
    match scene:
        case Scene.NIC:
            return ("provision.yaml",), _nic, ()
        case Scene.SWITCHES:
            return ("provision.yaml",), _switches, ()
        case Scene.TRAY:
            return ("gpu-driver.yaml", "imex.yaml"), _tray, ("-e", '{"imex_nodes": ["10.0.0.1"]}')
        case Scene.DISK:
            return ("storage.yaml",), lambda _: None, ("-e", f"model_disk={ID}")
        case _:
            return ("provision.yaml",), lambda _: None, ()


def _nic(rack: Rack) -> None:
    rack.machines[NODE].run(f"mkdir -p {MEMORY}; cd {MEMORY}; echo nic > mode; echo nic > next")


def _switches(rack: Rack) -> None:
    rack.rebase("nvswitch", "nvidia-fabricmanager", fabric={"packages": {"nvlsm": "2025.10.11-1"}})


def _tray(rack: Rack) -> None:
    rack.rebase("rack", "nvidia-imex")


_HERE = (Scene.CHAIN, Scene.NIC, Scene.SWITCHES, Scene.TRAY)


@pytest.mark.parametrize(
    ("tool", "lie"),
    [pytest.param(*row, marks=() if row in _QUICK else pytest.mark.long) for row in rows(*_HERE)],
)
def test_a_program_that_lies_is_found_out(rack: Rack, tool: str, lie: Lie) -> None:
    assert told_by(rack, tool, lie) == TOOLS[tool].row(lie)[1]


@pytest.mark.parametrize(
    ("tool", "lie"),
    [pytest.param(*row, marks=() if row in _QUICK else pytest.mark.long) for row in rows(Scene.DISK)],
)
def test_a_program_that_lies_about_a_disk_is_found_out(
    rack: Rack, tmp_path: Path, tool: str, lie: Lie
) -> None:
    with loop_device(tmp_path / "image") as device:
        show_disk(rack.machines[NODE], device)
        try:
            assert told_by(rack, tool, lie) == TOOLS[tool].row(lie)[1]
        finally:
            rack.machines[NODE].run(f"pkill sleep; umount {device} 2>/dev/null; true")


@pytest.fixture(scope="module")
def accepted(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    """One node that is accepted, for what comes late in the chain."""
    with debian_rack(tmp_path_factory.mktemp("late"), f"127.90.{os.getpid() % 250}", 1, tree) as made:
        assert made.provision("all", "-y").code == 0
        yield made


_UNDONE = {
    Scene.RUNTIME: "rm -f /etc/cdi/nvidia.yaml",
    Scene.TELEMETRY: "true",
    Scene.ACCEPT: "rm -rf /var/lib/edgectl/certificates",
}


@pytest.mark.long
@pytest.mark.parametrize(("tool", "lie"), list(rows(*_UNDONE)))
def test_a_program_that_lies_late_in_the_chain_is_found_out(accepted: Rack, tool: str, lie: Lie) -> None:
    machine, scene = accepted.machines[NODE], TOOLS[tool].scene
    book = hurried(accepted.folder / "playbooks") / f"{scene.value}.yaml"
    machine.run(_UNDONE[scene])
    machine.run(planted(tool, lie))
    try:
        assert told(accepted.edgectl("run", book, "-o", "json"), NODE) == TOOLS[tool].row(lie)[1]
    finally:
        machine.run(f"rm /usr/local/sbin/{tool}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianLab]:
    """One machine with a firewall of its own."""
    folder = tmp_path_factory.mktemp("liars")
    status = bring_up(folder / "lab", hosts=1, network=Network.PRIVATE)
    try:
        yield over(status, folder / "home")
    finally:
        down(status.directory)


@pytest.mark.long
@pytest.mark.parametrize(("tool", "lie"), list(rows(Scene.FIREWALL, Scene.LOGINS)))
def test_a_program_that_lies_about_who_may_come_in_is_found_out(lab: DebianLab, tool: str, lie: Lie) -> None:
    place = f"{TOOLS[tool].place}/{tool}"
    lab.exec(NODE, planted(tool, lie))
    try:
        ended = guarded(lab.edgectl, TOOLS[tool].scene.value, lab)
        assert told(ended, NODE) == TOOLS[tool].row(lie)[1]
    finally:
        lab.exec(
            NODE, f"mv {place}.real {place}; pkill sleep; nft delete table inet edgectl 2>/dev/null; true"
        )
        lab.exec(NODE, "rm -f /etc/nftables.conf /etc/ssh/sshd_config.d/05-edgectl.conf")


def guarded(edgectl: Edgectl, book: str, lab: DebianLab) -> Ended:
    network = f"{lab.status.hosts[0].address.rpartition('.')[0]}.0/24"
    given = f'{{"firewall_management": ["{network}"], "firewall_ssh_port": 2222}}'
    path = hurried(edgectl.home / "playbooks") / f"{book}.yaml"
    return edgectl("run", path, NODE, "-o", "json", "-e", given, timeout_s=200)
