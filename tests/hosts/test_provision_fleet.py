"""Twenty-four PoPs, three of which refuse: which, where and why stands on one screen, in the run and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from edgectl import shipped
from edgectl.lab.lifecycle import LabStatus, down, fault
from tests.cli_run import Edgectl, Ended
from tests.hosts.lab_box import address_base, bring_up

POPS = 24
SCREEN_LINES = 30
# By what each refuses: the disk is full, a GPU is gone, the inventory contradicts the baseline.
FULL, LOST, CONTRARY = "p03-n1", "p09-n1", "p17-n1"


@dataclass(frozen=True)
class Fleet:
    lab: LabStatus
    edgectl: Edgectl
    applied: Ended


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    lab = bring_up(folder / "lab", f"{address_base()}.101", POPS)
    try:
        _spread(lab)
        _lighten(lab)
        fault(lab.directory, lab.hosts[8].name, "gpu-lost", "1")
        home = folder / "home"
        home.mkdir()
        edgectl = Edgectl(home, lab.inventory, {})
        yield Fleet(lab, edgectl, edgectl("provision", "all", "-y", timeout_s=400))
    finally:
        down(lab.directory)


def _spread(lab: LabStatus) -> None:
    """Give every host a PoP of its own."""
    path = lab.inventory / "fleet.yaml"
    written = yaml.safe_load(path.read_text())
    hosts = [host for pop in written["pops"].values() for host in pop["hosts"].values()]
    pop = {name: value for name, value in next(iter(written["pops"].values())).items() if name != "hosts"}
    own: dict[str, dict[str, object]] = {FULL: {"needed_mib": 10**6}, CONTRARY: {"driver_branch": "575"}}
    pops: dict[str, object] = {}
    for number, host in enumerate(
        sorted(hosts, key=lambda one: tuple(map(int, one["address"].split(".")))), start=1
    ):
        name = f"p{number:02}-n1"
        pops[f"p{number:02}"] = {
            **pop,
            "hosts": {name: {**host, "vars": {**host["vars"], **own.get(name, {})}}},
        }
    path.write_text(yaml.safe_dump({**written, "pops": pops}, sort_keys=False))


def _lighten(lab: LabStatus) -> None:
    """Leave out of the baseline what this is not about: two processors carry all hosts."""
    written = yaml.safe_load((shipped.inventory() / "baselines/rtx-pro-6000.yaml").read_text())
    written["acceptance"] |= {
        "cuda": False,
        "peers": False,
        "burn_in_s": None,
    }  # the lab's GPUs compute nothing
    left_out = ("kernel", "runtime")
    (lab.inventory / "baselines").mkdir(exist_ok=True)
    (lab.inventory / "baselines/lab.yaml").write_text(
        yaml.safe_dump({name: value for name, value in written.items() if name not in left_out})
    )


def assert_all_three(said: str) -> None:
    assert len(said.splitlines()) <= SCREEN_LINES, said
    for host, why in (
        (FULL, "MiB are free on /, the driver and its modules need 1000000"),
        (LOST, "1 GPUs answer, the inventory promises 2"),
        (CONTRARY, "has driver 580.105.08, the inventory says branch 575"),
    ):
        assert host in said, said
        assert why in said, said


def test_the_run_itself_says_who_refused_and_why_and_finishes_the_others(fleet: Fleet) -> None:
    assert fleet.applied.code in (4, 6), fleet.applied
    assert_all_three(fleet.applied.out)


def test_the_status_afterwards_says_it_too_without_asking_anybody(fleet: Fleet) -> None:
    told = fleet.edgectl("provision", "status")
    assert told.code == 0
    assert_all_three(told.out)
    assert "24 nodes in 24 PoPs" in told.out
    report = fleet.edgectl("provision", "status", "-o", "json").report()
    stages = {host["host"]: host["data"]["stage"] for host in report["hosts"]}
    assert {host for host, stage in stages.items() if stage == "failed"} == {FULL, LOST, CONTRARY}
    assert list(stages.values()).count("accepted") == POPS - 3
    assert (report["data"]["pops"]["p01"], report["data"]["pops"]["p09"]) == ("accepted", "failed")


def test_what_was_mended_is_accepted_and_the_rest_is_left_alone(fleet: Fleet) -> None:
    fault(fleet.lab.directory, fleet.lab.hosts[8].name, "clear")
    again = fleet.edgectl("provision", f"p0[4-8]-n1,{LOST}", "-y", "-o", "json", timeout_s=300)
    statuses = {host["host"]: host["status"] for host in again.report()["hosts"]}
    assert statuses.pop(LOST) == "changed", again
    assert list(statuses.values()) == ["ok"] * 5


def test_a_quarantined_node_is_touched_by_no_run_until_a_person_says_so(fleet: Fleet) -> None:
    marked = fleet.edgectl("provision", "mark", "p01-n1", "quarantined", "--reason", "serial does not match")
    refused = fleet.edgectl("provision", "all", "-y")
    assert (marked.code, refused.code) == (0, 3)
    assert "p01-n1 is quarantined: serial does not match" in refused.err
    wrong = fleet.edgectl("provision", "mark", "p01-n1", "in_service", "--reason", "it will do")
    assert (wrong.code, "no host goes from quarantined → in_service: p01-n1" in wrong.err) == (3, True)
    assert fleet.edgectl("provision", "mark", "p01-n1", "repair", "--reason", "label was wrong").code == 0
    assert fleet.edgectl("provision", "p01-n1", "-y").code == 0
