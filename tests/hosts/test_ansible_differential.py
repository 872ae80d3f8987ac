"""What ansible-playbook and edgectl make of the same cases: each difference is meant, and in the README."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cli_run import Edgectl
from tests.hosts import differential
from tests.hosts.differential import CASES, PASSES, Case, Difference, Pass
from tests.hosts.machines import inventory
from tests.hosts.nspawn import Debian
from tests.hosts.twin_debians import twin_debians

_FAILED = {"ansible": 2, "edgectl": 4}


@dataclass(frozen=True)
class Twins:
    ours: Debian
    theirs: Debian
    edgectl: Edgectl
    folder: Path

    def ends(self, during: Pass, cases: list[Case]) -> tuple[differential.Ends, differential.Ends]:
        """Run one pass by both tools."""
        playbook = differential.write_playbook(self.folder / f"{during.name.replace(', ', '-')}.yaml", cases)
        theirs = differential.by_ansible(playbook, self.theirs, self.edgectl.home, during.options)
        return differential.by_edgectl(self.edgectl, playbook, self.ours, during.options), theirs

    def trees(self, cases: list[Case], during: str) -> Iterator[Difference]:
        """Compare what is on both hosts."""
        both = differential.tree(self.ours), differential.tree(self.theirs)
        yield from differential.compare_trees(cases, during, *both)


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    with twin_debians(tmp_path, "127.65.0") as (ours, theirs):
        home = tmp_path / "home"
        home.mkdir()
        for name in ("files", "templates"):
            shutil.copytree(CASES / name, tmp_path / "play" / name)
        yield Twins(ours, theirs, Edgectl(home, tmp_path / "inventory", {}), tmp_path / "play")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_case_ends_as_with_ansible_or_differs_as_the_readme_says(
    twins: Twins, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = differential.load_cases()
    for machine in (twins.ours, twins.theirs):
        differential.set_up(machine, cases)
    found: list[Difference] = [*twins.trees(cases, "before")]
    assert not found
    for during in PASSES:
        wanted = [case for case in cases if case.fails == during.fails and not case.refused]
        before = differential.tree(twins.ours)
        ours, theirs = twins.ends(during, wanted)
        assert (ours.code, theirs.code) == (0, 0), during
        found += [*differential.compare(wanted, during, ours, theirs), *twins.trees(cases, during.name)]
        if "--check" in during.options:
            assert differential.tree(twins.ours) == before, "check mode changes nothing"

    intents = differential.load_intents()
    meant = [one for one in found if any(intent.covers(one) for intent in intents)]
    rest = [one for one in found if one not in meant]
    with capsys.disabled():
        print(f"\n{len(cases)} cases\n{differential.table(cases, meant, rest)}")  # noqa: T201 - the suite's product
        print("\n".join(map(str, rest)))  # noqa: T201
    assert not rest
    stale = [intent for intent in intents if not any(intent.covers(one) for one in found)]
    assert not stale


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_ansible_fails_at_the_host_is_refused_before_any_host_is_contacted(twins: Twins) -> None:
    cases = [case for case in differential.load_cases() if case.refused]
    for machine in (twins.ours, twins.theirs):
        differential.set_up(machine, cases)
    playbook = differential.write_playbook(twins.folder / "refused.yaml", cases)
    theirs = differential.by_ansible(playbook, twins.theirs, twins.edgectl.home, ())

    assert set(theirs.status.values()) == {"ignored"}, theirs.status
    inventory(twins.edgectl.inventory, [twins.ours])
    for case in cases:
        ended = twins.edgectl("run", differential.write_playbook(twins.folder / "one.yaml", [case]))
        assert ended.code == 3, (case.id, ended)
        assert "one.yaml:" in ended.err, (case.id, ended)


@pytest.mark.long
def test_a_task_that_fails_ends_the_run_by_both(twins: Twins) -> None:
    playbook = twins.folder / "fails.yaml"
    task = {"name": "fails", "command": "false"}
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))

    theirs = differential.by_ansible(playbook, twins.theirs, twins.edgectl.home, ())
    ours = differential.by_edgectl(twins.edgectl, playbook, twins.ours, ())

    assert (theirs.code, ours.code) == (_FAILED["ansible"], _FAILED["edgectl"])
    assert theirs.status == ours.status == {"fails": "failed"}
