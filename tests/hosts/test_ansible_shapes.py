"""Playbooks of the shapes that operators have: unchanged under both tools, the same ends, the same tree."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli_run import ROOT, Edgectl
from tests.hosts import ansible_twin
from tests.hosts.nspawn import Debian
from tests.hosts.twin_debians import twin_debians

CASES = ROOT / "tests/cases/shapes"
SHAPES = ("web", "users", "ntp", "gpu", "logs")
# What the playbooks may touch.
_TOPS = (
    "/srv /home /usr/local/bin /etc/web /etc/ssh/sshd_config.d /etc/sudoers.d /etc/passwd /etc/group /etc/localtime "
    "/etc/systemd/timesyncd-edge.conf /etc/modprobe.d /etc/sysctl.d /etc/security /etc/default /etc/cron.d "
    "/etc/logrotate.d"
)
_LIST_TREE = ROOT / "tests/hosts/list_tree.py"
# What is there before: a boot loader's settings, and somebody who will have left.
_BEFORE = (
    "mkdir -p /etc/default /etc/sudoers.d /etc/security/limits.d /etc/logrotate.d; "
    "echo 'GRUB_CMDLINE_LINUX=\"quiet\"' > /etc/default/grub; useradd -m eve"
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        "EDGECTL_ANSIBLE_COLLECTIONS" not in os.environ,
        reason="needs ansible.posix: EDGECTL_ANSIBLE_COLLECTIONS names the folder with Ansible's collections",
    ),
]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Debian, Debian]]:
    with twin_debians(tmp_path_factory.mktemp("shapes"), "127.65.1") as both:
        for machine in both:
            machine.run(_BEFORE)
        yield both


def tree(machine: Debian) -> dict[str, Any]:
    found = json.loads(machine.run(f"python3 - {_TOPS} <<'END'\n{_LIST_TREE.read_text()}\nEND"))
    # The archive of packages was made at each of them, and each has an address.
    return {
        path: entry
        for path, entry in found.items()
        if not path.startswith(("/srv/repo", "/srv/web", "/etc/ssh/sshd_config.d/edgectl"))
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_a_playbook_as_operators_have_it_does_the_same(
    shape: str, twins: tuple[Debian, Debian], tmp_path: Path
) -> None:
    ours, theirs = twins
    home = tmp_path / "home"
    home.mkdir()
    edgectl = Edgectl(home, tmp_path / "inventory", {})
    play = tmp_path / "play"
    shutil.copytree(CASES, play)
    for options in (("--check",), (), ()):
        path = play / f"{shape}.yaml"
        by_ansible = ansible_twin.run_ansible(path, theirs, home, *options)
        by_edgectl = ansible_twin.run_edgectl(edgectl, path, ours, *options)
        assert by_edgectl.tasks == by_ansible.tasks, options
        assert tree(ours) == tree(theirs), options
