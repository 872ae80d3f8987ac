"""Every tool that provisioning calls, replaced in turn by one that lies: none may pass, and the right task is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edgectl import shipped
from tests.hosts import nspawn, nvidia_archive
from tests.hosts.debian_rack import Rack, debian_rack, node_tree

pytestmark = pytest.mark.timeout(600)
NODE = "fra1-r1-n01"

_NOTHING = "exit 0"
_FAILS = "echo 'mutant: no' >&2; exit 1"
_HANGS = "exec sleep 1000"

# Which task must tell, by what the tool does in place of its work.
LIES = {
    "df": "preflight / room on the disk is enough",
    "apt-get": "time sync / package",
    "dpkg-query": "time sync / package",
    "systemctl": "time sync / running",
    "update-grub": "kernel / parameters",
    "apt-cache": "driver / packages",
    "apt-mark": "driver / hold",
    "dpkg": "driver / hold",
    "modinfo": "driver / does it run",
    "update-initramfs": "driver / one version in the kernel, the libraries and the baseline",
    "nvidia-smi": "driver / one version in the kernel, the libraries and the baseline",
    "dcgmi": "accept / diagnosis by DCGM",
    "nvidia-ctk": "runtime / CDI names every GPU",
}
# What comes early in the chain is shown each time, the whole table in a campaign.
_QUICK = ("apt-get", "systemctl", "update-grub", "apt-mark")
FAILURES = {
    **LIES,
    "dpkg": "driver / packages",
    "update-initramfs": "rebuild the initramfs",
}
HANGS = {
    "apt-get": "time sync / package",
    "systemctl": "time sync / running",
    "update-grub": "kernel / parameters",
    "modinfo": "driver / does it run",
    "update-initramfs": "rebuild the initramfs",
    "nvidia-smi": "driver / one version in the kernel, the libraries and the baseline",
    "nvidia-ctk": "runtime / CDI names every GPU",
}
# (tool, what it does, the task that must tell)
HALVES = [
    (
        "apt-get",
        '/usr/bin/apt-get "$@" && dpkg --purge --force-depends nvidia-persistenced >/dev/null 2>&1; exit 0',
        "driver / packages",
    ),
    (
        "systemctl",
        'for w; do [ "$w" = start ] && exit 0; done; exec /usr/bin/systemctl "$@"',
        "time sync / running",
    ),
    (
        "dpkg",
        '[ "$1" = --set-selections ] && head -n 1 | exec /usr/bin/dpkg "$@"; exec /usr/bin/dpkg "$@"',
        "driver / hold",
    ),
    (
        "update-grub",
        "mkdir -p /boot/grub; printf '\\tlinux a iommu=pt\\n\\tlinux b\\n' > /boot/grub/grub.cfg",
        "kernel / parameters",
    ),
    ("nvidia-smi", '/usr/bin/nvidia-smi "$@" | head -n 1', "accept / GPU count"),
    (
        "nvidia-ctk",
        '/usr/bin/nvidia-ctk "$@"; [ "$2" = list ] || sed -i "/^- name: 1$/d" /etc/cdi/nvidia.yaml; exit 0',
        "runtime / CDI names every GPU",
    ),
    ("shutdown", "exit 0", "driver / reboot if due"),
]


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
    """Return a copy of the shipped playbooks in which no task may take longer than 20 s."""
    folder.mkdir()
    for path in shipped.playbooks().glob("*.yaml"):
        plays = yaml.safe_load(path.read_text())
        for play in plays:
            if "hosts" in play:
                play["timeout"] = "20s"
        (folder / path.name).write_text(yaml.safe_dump(plays, sort_keys=False))
    (folder / "templates").symlink_to(shipped.playbooks() / "templates")
    return folder / "provision.yaml"


def told_by(rack: Rack, tool: str, script: str) -> str:
    """Replace a tool, provision, and return which task told that something is wrong."""
    machine = rack.machines[NODE]
    machine.run(
        f"cat > /usr/local/sbin/{tool} <<'EOF'\n#!/bin/sh\n{script}\nEOF\nchmod 755 /usr/local/sbin/{tool}"
    )
    ended = rack.edgectl("run", hurried(rack.folder / "playbooks"), "-o", "json", timeout_s=400)
    host = ended.host(NODE)
    assert (ended.code, host["status"]) in ((4, "failed"), (5, "unknown")), ended
    return str(host["failed_task"])


@pytest.mark.parametrize(
    ("tool", "task"),
    [pytest.param(*lie, marks=() if lie[0] in _QUICK else pytest.mark.long) for lie in LIES.items()],
)
def test_a_tool_that_does_nothing_and_says_it_did_is_found_out(rack: Rack, tool: str, task: str) -> None:
    assert told_by(rack, tool, _NOTHING) == task


@pytest.mark.long
@pytest.mark.parametrize(("tool", "task"), FAILURES.items())
def test_a_tool_that_fails_fails_its_task(rack: Rack, tool: str, task: str) -> None:
    assert told_by(rack, tool, _FAILS) == task


@pytest.mark.long
@pytest.mark.parametrize(("tool", "script", "task"), HALVES, ids=[half[0] for half in HALVES])
def test_a_tool_that_does_half_is_found_out(rack: Rack, tool: str, script: str, task: str) -> None:
    assert told_by(rack, tool, script) == task


@pytest.mark.long
@pytest.mark.parametrize(("tool", "task"), HANGS.items())
def test_a_tool_that_hangs_ends_with_its_task_s_deadline(rack: Rack, tool: str, task: str) -> None:
    assert told_by(rack, tool, _HANGS) == task
