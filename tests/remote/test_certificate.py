"""Certificates: one way to write them, each chained to the one before, and a byte that changes is found."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote import registry
from edgectl.remote.args import ArgumentError, build
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.proc import Proc
from edgectl.remote.result import TaskResult

GIVEN: dict[str, Any] = {
    "host": "fra1-r1-n01",
    "baseline": {"name": "b1", "digest": "d1"},
    "serials": ["s2", "s1"],
    "tests": [{"name": "GPU count", "value": 2, "threshold": 2, "source": "inventory", "passed": True}],
}


def waiver(**more: Any) -> dict[str, Any]:
    told = {"test": "bandwidth", "owner": "ops", "reason": "riser on order", "until": "2999-12-31"}
    return {**told, **more}


class Node:
    """A node's folder of certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "certificates"
        self._paths = HostPaths(str(folder), "", "", "", "")

    def certify(self, *, check: bool = False, **more: Any) -> TaskResult:
        module = registry.load("certificate")
        args = build(module.Args, {**GIVEN, **more})
        result = module.run(args, TaskContext(check, False, Proc({}), self._paths, {}))
        assert isinstance(result, TaskResult)
        return result


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_what_was_accepted_is_sealed_once(node: Node) -> None:
    first, again = node.certify(), node.certify()

    assert (first.changed, again.changed) == (True, False)
    assert first.values["certificate"] == again.values["certificate"]
    assert first.values["certificate"]["serials"] == ["s1", "s2"]
    assert sorted(path.name for path in node.folder.iterdir()) == ["0001.json", "0001.txt"]


def test_a_check_seals_nothing_and_says_that_it_would(node: Node) -> None:
    assert node.certify(check=True).changed
    assert not node.folder.exists()


@pytest.mark.parametrize("more", [{"baseline": {"name": "b2", "digest": "d2"}}, {"serials": ["s1", "s3"]}])
def test_another_baseline_or_another_part_is_another_certificate_in_the_same_chain(
    node: Node, more: dict[str, Any]
) -> None:
    first = node.certify().values["certificate"]
    second = node.certify(**more).values["certificate"]

    assert (second["number"], second["previous"]) == (2, first["digest"])
    assert node.certify(state="verified").values["count"] == 2


def test_every_single_byte_that_changes_is_found(node: Node) -> None:
    node.certify()
    path = node.folder / "0001.json"
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert node.certify(state="verified").failed, at
    path.write_bytes(whole + b" ")
    assert node.certify(state="verified").failed
    path.write_bytes(whole)
    assert not node.certify(state="verified").failed


def test_one_that_was_taken_out_of_the_chain_is_missed(node: Node) -> None:
    node.certify()
    node.certify(serials=["s3"])
    (node.folder / "0001.json").unlink()

    assert "0002.json was changed" in node.certify(state="verified").msg


def test_nothing_is_sealed_over_a_chain_that_is_broken(node: Node) -> None:
    node.certify()
    (node.folder / "0001.json").write_text("{}")

    done = node.certify(serials=["s3"])
    assert (done.failed, "are not as they were written" in done.msg) == (True, True)
    assert sorted(path.name for path in node.folder.iterdir()) == ["0001.json", "0001.txt"]


def test_a_node_that_was_never_accepted_has_nothing_to_verify(node: Node) -> None:
    assert "was never accepted" in node.certify(state="verified").msg
    assert not node.certify(state="asked").values["sealed"]


def test_a_test_that_failed_is_not_certified_unless_somebody_answers_for_it(node: Node) -> None:
    bad = [{"name": "bandwidth", "value": 812, "threshold": 1110, "passed": False}]
    assert "not passed and not waived: bandwidth" in node.certify(tests=bad).msg
    assert not node.folder.exists()

    node.certify(tests=bad, waivers=[waiver()])

    assert "waived by ops until 2999-12-31: riser on order" in (node.folder / "0001.txt").read_text()


def test_a_waiver_that_has_expired_covers_nothing_and_a_certificate_that_lives_by_it_holds_no_more(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [{"name": "bandwidth", "value": 812, "threshold": 1110, "passed": False}]
    assert "not waived: bandwidth" in node.certify(tests=bad, waivers=[waiver(until="2020-01-31")]).msg
    assert node.certify(tests=bad, waivers=[waiver()]).changed
    assert node.certify(state="asked", waivers=[waiver()]).values["sealed"]

    monkeypatch.setattr(time, "gmtime", lambda: time.localtime(33_000_000_000))
    asked = node.certify(state="asked", waivers=[waiver()])
    assert (asked.values["sealed"], asked.values["waived"]) == (False, [])


@pytest.mark.parametrize("more", [{"owner": ""}, {"until": "soon"}, {"reason": None}])
def test_a_waiver_names_who_answers_for_it_why_and_until_when(node: Node, more: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=r"waiver|until"):
        node.certify(waivers=[waiver(**more)])


def test_a_certificate_holds_no_more_where_its_like_turned_out_to_be_faster(node: Node) -> None:
    node.certify(tests=[{"name": "memory bandwidth", "value": 1300, "passed": True}])

    def is_sealed(median: float, hosts: int) -> bool:
        cohort = {"memory bandwidth": {"median": median, "hosts": hosts}}
        return bool(node.certify(state="asked", cohort=cohort).values["sealed"])

    assert (is_sealed(1478, 12), is_sealed(1478, 2), is_sealed(1360, 12)) == (False, True, True)
