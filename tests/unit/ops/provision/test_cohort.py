"""Nodes of a kind beside each other: who falls behind, and who is too few to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgectl.engine.certificates import Certified
from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.inventory.model import Host
from edgectl.ops.provision.cohort import Cohorts, certified_of
from tests.fakes.clock import START
from tests.fakes.fleet import a_host

_TEST = "memory bandwidth"


def _certificate(value: float, **more: Any) -> dict[str, Any]:
    test = {"name": _TEST, "value": value, "unit": "GB/s", "figures": {"GPU-1": value}, "floor": 1110.0}
    return {
        "tests": [{"name": "GPU count", "value": 4}, test],
        "waivers": [],
        "number": 1,
        "digest": "d",
        **more,
    }


def _hosts(count: int) -> list[Host]:
    return [replace(a_host(f"n{number}"), hardware="rtx") for number in range(1, count + 1)]


def _known(*values: float, kind: str = "rtx") -> list[Certified]:
    return [
        Certified(f"n{number}", kind, 1, f"d{number}", START, "R1", _certificate(value))
        for number, value in enumerate(values, start=1)
    ]


def _ended(host: str, value: float, **more: Any) -> HostOutcome:
    task = TaskRecord(
        "accept", "certificate", TaskStatus.CHANGED, 0.1, {"certificate": _certificate(value, **more)}
    )
    return HostOutcome(host, "fra1", HostStatus.CHANGED, tasks=[task])


@pytest.mark.parametrize(
    ("known", "value", "status"),
    [
        ((1478, 1480, 1475), 1400, HostStatus.FAILED),
        ((1478, 1480, 1475), 1410, HostStatus.CHANGED),
        ((1478,), 900, HostStatus.CHANGED),  # two nodes have no median to speak of
        ((), 900, HostStatus.CHANGED),
    ],
)
def test_a_node_that_is_slower_than_its_like_is_not_accepted(
    known: tuple[float, ...], value: float, status: HostStatus
) -> None:
    judged = Cohorts(_hosts(4), _known(*known)).judged(_ended("n4", value))

    assert judged.status is status
    if status is HostStatus.FAILED:
        assert judged.failed_task == "accept / cohort"
        assert judged.reason == "memory bandwidth: 1,400 GB/s on GPU-1, floor 1,110, cohort median 1,476.5"


def test_hosts_of_the_same_run_are_each_other_s_cohort() -> None:
    cohorts = Cohorts(_hosts(4), [])
    ended = [
        cohorts.judged(_ended(f"n{number}", value))
        for number, value in enumerate((1478, 1480, 1300, 1479), 1)
    ]

    assert [one.status for one in ended[:2]] == [HostStatus.CHANGED] * 2
    assert [one.host for one in ended if one.status is HostStatus.FAILED] == ["n3"]


def test_a_waived_figure_is_no_failure_and_another_kind_is_no_cohort() -> None:
    waived = _ended("n4", 1300, waivers=[{"test": _TEST}])
    assert Cohorts(_hosts(4), _known(1478, 1480, 1475)).judged(waived).status is HostStatus.CHANGED

    others = _known(4000, 4010, 4020, kind="b200")
    assert Cohorts(_hosts(4), others).judged(_ended("n4", 1478)).status is HostStatus.CHANGED


def test_a_node_is_told_what_its_like_do_before_it_is_measured() -> None:
    told = Cohorts(_hosts(4), _known(1478, 1480, 1475)).variables()

    assert told["n4"] == {"cohort": {_TEST: {"median": 1478.0, "hosts": 3}}}
    assert Cohorts(_hosts(4), []).variables() == {}


def test_a_node_that_is_measured_again_counts_once() -> None:
    cohorts = Cohorts(_hosts(3), _known(1478, 1480, 1475))
    cohorts.judged(_ended("n1", 1470))

    assert cohorts.variables()["n2"]["cohort"][_TEST] == {"median": 1475.0, "hosts": 3}


def test_what_a_run_s_hosts_showed_is_kept_with_its_kind() -> None:
    (kept,) = certified_of([_ended("n1", 1478), _ended("x9", 1)], {"n1": "rtx"}, "R7", START)

    assert (kept.host, kept.hardware, kept.run, kept.figures()) == ("n1", "rtx", "R7", {_TEST: 1478.0})
