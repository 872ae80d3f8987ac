"""Which rung comes next, by what is found and what was tried."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.catalog.remedies import Rung, load_remedies
from edgectl.catalog.rules import load_rules
from edgectl.catalog.xid import load_xids, unknown_xid
from edgectl.ops.remediate.ladder import Fault, Step, Tried, next_step
from edgectl.ops.remediate.plan import RemedyPlan, faults_of, plan_lines

REPLACED = "take the card out of service, collect evidence, return it"
REMEDIES, XIDS = load_remedies(), load_xids()


def a_fault(name: str, gpu: str | None = "GPU-1", value: Any = None) -> Fault:
    if name.startswith("xid-"):
        value = {
            "last": "2026-11-23T09:00:00Z",
            "asks": _asks(int(name.removeprefix("xid-"))),
            **(value or {}),
        }
    return Fault(name, "critical", gpu, value, "look at it")


def _asks(code: int) -> str:
    return (XIDS.get(code) or unknown_xid(code)).action


def tried(rung: Rung, *findings: str) -> Tried:
    return Tried(rung, frozenset(findings))


FIRST = [
    ("row-remap-pending", None, Rung.RESET_GPU),
    ("xid-79", None, Rung.REBOOT),
    ("xid-94", None, Rung.RESET_GPU),
    ("xid-13", None, Rung.RESTART_SERVICE),
    ("row-remap-failure", None, Rung.REPLACE),
    ("driver-hung", None, Rung.REBOOT),
    ("recovery-action", "gpu-reset", Rung.RESET_GPU),
    ("recovery-action", "node-reboot", Rung.REBOOT),
    ("recovery-action", "a word nobody has seen", None),
    ("temperature", 91, None),
    ("xid-9999", None, None),
    ("xid-48", {"asks": "node-reboot"}, Rung.REBOOT),
    ("xid-48", {"asks": "power-cycle"}, Rung.POWER_CYCLE),
    ("xid-79", {"asks": "return"}, Rung.REPLACE),
]


@pytest.mark.parametrize(("name", "value", "rung"), FIRST, ids=[f"{row[0]}-{row[1]}" for row in FIRST])
def test_a_finding_asks_for_its_rung_and_one_we_do_not_know_for_a_person(
    name: str, value: Any, rung: Rung | None
) -> None:
    step = next_step([a_fault(name, value=value)], (), REMEDIES)

    assert step is not None
    assert step.rung is rung


def test_the_highest_rung_that_is_asked_for_is_taken_and_only_its_findings_are_the_cause() -> None:
    faults = [a_fault("xid-13"), a_fault("xid-79", "GPU-2"), a_fault("persistence-off")]
    step = next_step(faults, (), REMEDIES)

    assert step is not None
    assert (step.rung, step.gpus) == (Rung.REBOOT, ("GPU-2",))


def test_a_healthy_host_needs_nothing() -> None:
    assert next_step([], [tried(Rung.REBOOT, "xid-79")], REMEDIES) is None


CLIMBS = [
    ([], Rung.RESET_GPU),
    ([tried(Rung.RESET_GPU, "row-remap-pending")], Rung.REBOOT),
    ([tried(Rung.RESET_GPU, "row-remap-pending"), tried(Rung.REBOOT, "row-remap-pending")], Rung.REBOOT),
    ([tried(Rung.REBOOT, "row-remap-pending")] * 2, Rung.POWER_CYCLE),
    ([tried(Rung.POWER_CYCLE, "row-remap-pending")], Rung.REPLACE),
    ([tried(Rung.REPLACE, "row-remap-pending")], Rung.REPLACE),
    ([tried(Rung.REBOOT, "xid-79")] * 2, Rung.RESET_GPU),
]


@pytest.mark.parametrize(("before", "rung"), CLIMBS, ids=range(len(CLIMBS)))
def test_what_did_not_help_is_climbed_above_a_reboot_only_after_the_second(
    before: list[Tried], rung: Rung
) -> None:
    step = next_step([a_fault("row-remap-pending")], before, REMEDIES)

    assert step is not None
    assert step.rung is rung


def test_a_fault_is_known_again_under_another_finding() -> None:
    """A card that fell off the bus is lost, and after a reboot the node just shows one less."""
    before = [tried(Rung.REBOOT, "gpu-lost", "xid-79"), tried(Rung.REBOOT, "gpu-count")]
    step = next_step([a_fault("gpu-count", None)], before, REMEDIES)

    assert step is not None
    assert (step.rung, step.after) == (Rung.POWER_CYCLE, Rung.REBOOT)


def test_what_the_driver_calls_over_asks_for_nothing() -> None:
    over = a_fault("xid-48", value={"asks": "settled"})

    assert next_step([over], (), REMEDIES) is None
    assert next_step([over, a_fault("temperature")], (), REMEDIES) == Step(None, [a_fault("temperature")])


def test_a_line_of_the_log_that_a_remedy_answered_is_not_acted_on_again_and_a_newer_one_is() -> None:
    line = {"count": 1, "last": "2026-11-23T09:00:00Z", "line": "Killed process"}
    first = a_fault("oom-kill", None, line)
    before = [
        Tried(Rung.RESTART_SERVICE, frozenset({"oom-kill"}), frozenset({first.logged or ("", None, "")}))
    ]
    again = next_step([a_fault("oom-kill", None, {**line, "last": "2026-11-23T10:00:00Z"})], before, REMEDIES)

    assert next_step([first], before, REMEDIES) is None
    assert again is not None
    assert again.after is Rung.RESTART_SERVICE


def test_a_reset_of_nobody_knows_which_gpu_is_a_reboot() -> None:
    step = next_step([a_fault("gsp-timeout", None)], (), REMEDIES)

    assert step is not None
    assert step.rung is Rung.REBOOT


def test_for_every_rule_somebody_decided_what_is_done_about_it() -> None:
    assert set(REMEDIES.findings) == set(load_rules().by_id)
    assert set(REMEDIES.xid_actions) <= set(load_rules().actions)
    assert set(REMEDIES.sentences) == set(Rung)


def test_what_is_snoozed_or_not_yet_in_force_is_not_acted_on() -> None:
    found = [{"id": name, "severity": "warning", "gpu": None, "value": 1, "action": ""} for name in "abc"]
    states = [
        {"finding": "a", "gpu": None, "phase": "active", "snoozed_until": "2026-12-24T18:00:00+00:00"},
        {"finding": "b", "gpu": None, "phase": "seen", "snoozed_until": None},
        {"finding": "c", "gpu": None, "phase": "clearing", "snoozed_until": None},
    ]

    assert [fault.id for fault in faults_of({"findings": found, "states": states})] == ["c"]
    assert [fault.id for fault in faults_of({"findings": found})] == ["a", "b", "c"]


def test_a_plan_is_folded_and_says_what_is_left_for_a_person() -> None:
    steps = {}
    for number in range(3):
        steps[f"fra1-n0{number}"] = next_step([a_fault("xid-79")], (), REMEDIES)
    steps["gru1-n01"] = next_step([a_fault("temperature")], (), REMEDIES)
    steps["gru1-n02"] = next_step([a_fault("row-remap-failure")], (), REMEDIES)
    plan = RemedyPlan({host: step for host, step in steps.items() if step is not None}, ["gru1-n09"])

    assert [line.text for line in plan_lines(plan, REMEDIES)] == [
        "Plan   3 of 5 hosts with findings are acted on · 2 for a person",
        "  reboot              3   fra1-n[00-02]   xid-79",
        "                          drain the node, reboot it",
        "  replace             1   gru1-n02   row-remap-failure",
        f"                          {REPLACED}: edgectl health bundle gru1-n02",
        "  by hand             1   gru1-n01   temperature",
        "                          look at it",
        "  not answering 1   gru1-n09",
    ]
