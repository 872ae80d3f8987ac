"""The same playbook by Ansible and by edgectl on twin hosts: the same tree, the same ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli_run import ROOT, Edgectl
from tests.hosts import ansible_twin
from tests.hosts.conftest import Boot

CASES = ROOT / "tests" / "cases" / "twins"
# Each run is Ansible's start as well: what a check and a second run do is for the campaign.
_ONCE, _THRICE = ("",), ("", "--check", "")
_CASES = [
    pytest.param(CASES / "site.yaml", _ONCE, id="site"),
    pytest.param(CASES / "structure.yaml", _ONCE, id="structure"),
    pytest.param(CASES / "site.yaml", _THRICE, id="site thrice", marks=pytest.mark.long),
    pytest.param(CASES / "structure.yaml", _THRICE, id="structure thrice", marks=pytest.mark.long),
]


@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(ansible_twin.missing()), reason=ansible_twin.missing() or "present")
@pytest.mark.parametrize(("playbook", "options"), _CASES)
def test_a_playbook_does_the_same_by_ansible_and_by_edgectl(
    playbook: Path, options: tuple[str, ...], boot: Boot, edgectl: Edgectl, tmp_path: Path
) -> None:
    theirs, ours = boot("theirs"), boot("ours")
    shutil.copytree(CASES, tmp_path / "play")
    path = tmp_path / "play" / playbook.name
    for option in options:
        words = option.split()
        by_ansible = ansible_twin.run_ansible(path, theirs, edgectl.home, *words)
        by_edgectl = ansible_twin.run_edgectl(edgectl, path, ours, *words)
        assert by_edgectl.tasks == by_ansible.tasks, option
        assert by_edgectl.counts == by_ansible.counts
        assert ansible_twin.tree(ours) == ansible_twin.tree(theirs)
