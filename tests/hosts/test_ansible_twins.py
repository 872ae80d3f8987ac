"""The same playbook by Ansible and by edgectl on twin hosts: the same tree, the same ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_run import ROOT, Edgectl
from tests.hosts import ansible_twin
from tests.hosts.conftest import Boot

CASES = ROOT / "tests" / "cases" / "twins"
PLAYBOOKS = sorted(CASES.glob("*.yaml"))


@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(ansible_twin.missing()), reason=ansible_twin.missing() or "present")
@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_does_the_same_by_ansible_and_by_edgectl(
    playbook: Path, boot: Boot, edgectl: Edgectl, tmp_path: Path
) -> None:
    theirs, ours = boot("theirs"), boot("ours")
    shutil.copytree(CASES, tmp_path / "play")
    path = tmp_path / "play" / playbook.name
    for option in ((), ("--check",), ()):
        by_ansible = ansible_twin.run_ansible(path, theirs, edgectl.home, *option)
        by_edgectl = ansible_twin.run_edgectl(edgectl, path, ours, *option)
        assert by_edgectl.tasks == by_ansible.tasks, option
        assert by_edgectl.counts == by_ansible.counts
        assert ansible_twin.tree(ours) == ansible_twin.tree(theirs)
