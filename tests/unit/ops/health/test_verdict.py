from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Rules, Severity
from edgectl.catalog.xid import load_xids
from edgectl.errors import InputError
from edgectl.ops.health.earlier import Earlier
from edgectl.ops.health.expected import expected_of
from edgectl.ops.health.finding import Finding, Standing
from edgectl.ops.health.observed import Node, node_of
from edgectl.ops.health.verdict import Verdict, judge
from edgectl.yaml_source import load
from tests.unit.ops.health.nodes import CASES, HARDWARE, a_gpu, a_host, a_node, an_xid

FILES = [CASES, *sorted(CASES.with_suffix("").glob("*.yaml"))]
TABLE: list[dict[str, Any]] = [case for file in FILES for case in load(file).value]


def verdict_of(case: dict[str, Any]) -> Verdict:
    wanted = {"hardware": HARDWARE, **case.get("expected", {})}
    gpus = [a_gpu(number, **case.get("all", {})) for number in range(case.get("gpus", 2))]
    if "gpu" in case:
        gpus[0] = {**gpus[0], **case["gpu"]}
    xids = [an_xid(**xid) for xid in case.get("xids", [])]
    node = node_of({**a_node(gpus, xids=xids), **case.get("node", {})})
    expected = expected_of(a_host(**wanted), load_catalog())
    return judge(node, expected, load_rules(), load_xids(), earlier_of(node, case))


def earlier_of(node: Node, case: dict[str, Any]) -> dict[str, Earlier]:
    """Return the look before at the first GPU, where the case has one."""
    changes = dict(case.get("earlier", {}))
    if not changes:
        return {}
    seconds, gpu = changes.pop("seconds"), node.gpus[0]
    return {gpu.uuid or "": Earlier(replace(gpu, **changes), seconds)}


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_a_node_gets_the_findings_of_the_table(case: dict[str, Any]) -> None:
    found = verdict_of(case).findings

    told = [f"{one.severity} {one.id}{':' if one.label else ''}{one.label}" for one in found]
    assert sorted(told) == sorted(case["finds"])


def rule_of(found: Finding, rules: Rules) -> str:
    return found.id if found.id in rules.by_id else "xid"


def test_the_table_breaks_every_rule_and_every_severity_it_has() -> None:
    rules = load_rules()
    broken = set()
    for case in TABLE:
        for found in verdict_of(case).findings:
            broken.add((rule_of(found, rules), found.severity))

    assert broken == {(rule.id, level) for rule in rules.by_id.values() for level in rule.sentences}


def test_a_finding_is_told_with_the_keys_of_the_report_and_no_others() -> None:
    (found,) = verdict_of({"gpu": {"pcie_width": 8}}).findings

    assert found.as_json() == {
        "id": "pcie-width",
        "severity": "critical",
        "component": "gpu",
        "gpu": "GPU-00000000-0000-0000-0000-000000000000",
        "value": {"is": 8, "wanted": 16},
        "rule": "the PCIe link uses fewer lanes than card and slot have",
        "action": "reseat the card or the riser; compare with the other slots",
    }


def test_a_rule_without_a_reading_is_unjudged_and_not_fine() -> None:
    standings = verdict_of({"all": {"ecc_mode": None}}).standings

    assert standings["ecc-off"] is Standing.UNJUDGED
    assert standings["row-remap-failure"] is Standing.HOLDS


def test_critical_findings_come_first_and_decide() -> None:
    verdict = verdict_of({"gpu": {"remap_pending": True, "remap_failure": True}})

    assert [found.severity for found in verdict.findings] == [Severity.CRITICAL, Severity.WARNING]
    assert verdict.worst is Severity.CRITICAL
    assert verdict_of({}).worst is None


def test_hardware_that_the_catalogue_lacks_is_a_complaint_before_any_host_is_asked() -> None:
    with pytest.raises(InputError, match="unknown hardware"):
        expected_of(a_host(hardware="rtx-9"), load_catalog())


def test_an_answer_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="gpus"):
        node_of({**a_node([]), "gpus": "none"})


def found_as(name: str, case: dict[str, Any]) -> Finding:
    return next(found for found in verdict_of(case).findings if found.id == name)


@pytest.mark.parametrize(
    ("recovery", "code", "action"),
    [
        ("node-reboot", 119, "the driver asks for: node-reboot"),
        ("gpu-reset", 62, "the driver asks for: gpu-reset"),
        # The driver knows a GPU that it cannot reach only as one to be reset.
        ("gpu-reset", 79, "drain the node and reboot it"),
        ("gpu-reset", 167, "drain the node and reboot it"),
        ("node-reboot", 79, "the driver asks for: node-reboot"),
    ],
)
def test_what_the_driver_wants_stands_above_the_table_but_for_a_gpu_that_is_away(
    recovery: str, code: int, action: str
) -> None:
    found = found_as(f"xid-{code}", {"gpu": {"recovery_action": recovery}, "xids": [{"code": code}]})

    assert found.action.startswith(action)


@pytest.mark.parametrize(
    ("code", "boots", "action"),
    [
        (119, [0], "drain the node and reset the GPU"),
        (119, [0, -1], "drain the node and reboot it"),
        (119, [0, -1, -2], "drain the node and power-cycle it"),
        (79, [0, -1], "drain the node and power-cycle it"),
        (79, [0, -1, -2], "run the field diagnostic and return the card"),
        (79, [0, -1, -2, -3], "run the field diagnostic and return the card"),
    ],
)
def test_a_fault_that_comes_back_after_a_reboot_takes_the_next_step(
    code: int, boots: list[int], action: str
) -> None:
    xids = [{"code": code, "boot": boot} for boot in boots]

    assert found_as(f"xid-{code}", {"xids": xids}).action.startswith(action)


def test_the_same_fault_of_another_gpu_before_the_reboot_is_no_repetition() -> None:
    xids = [{"code": 119}, {"code": 119, "boot": -1, "pci_bus_id": "00000000:51:00.0"}]

    assert found_as("xid-119", {"xids": xids}).action == "drain the node and reset the GPU"


def test_findings_with_one_cause_are_told_as_what_comes_with_it() -> None:
    case = {
        "gpu": {"ecc_volatile_uncorrected": 1, "remap_pending": True, "recovery_action": "gpu-reset"},
        "xids": [
            {"code": 48},
            {"code": 63},
            {
                "code": 154,
                "line": "154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
            },
        ],
    }
    because = {found.id: found.because for found in verdict_of(case).findings}

    assert because == {
        "recovery-action": "",
        "xid-48": "",
        "xid-154": "recovery-action",
        "xid-63": "xid-48",
        "ecc-uncorrected": "xid-48",
        "row-remap-pending": "xid-63",
    }


def test_a_cause_on_another_gpu_is_none() -> None:
    case = {
        "gpu": {"remap_pending": True, "recovery_action": None},
        "xids": [{"code": 63, "pci_bus_id": "00000000:51:00.0"}],
    }

    assert found_as("row-remap-pending", case).because == ""
    assert "because" not in found_as("row-remap-pending", case).as_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [("mig_instances", "four"), ("gpu_power_limit_w", "600 W"), ("rdma", "yes"), ("ports_up", -1)],
)
def test_a_variable_of_the_wrong_kind_is_refused_before_any_host_is_asked(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"variable '{name}' of fra1-r1-n01"):
        expected_of(a_host(vars={name: value}), load_catalog())
