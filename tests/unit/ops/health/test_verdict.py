from __future__ import annotations

from typing import Any

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Severity
from edgectl.catalog.xid import load_xids
from edgectl.errors import InputError
from edgectl.ops.health.expected import expected_of
from edgectl.ops.health.finding import Standing
from edgectl.ops.health.observed import node_of
from edgectl.ops.health.verdict import Verdict, judge
from edgectl.yaml_source import load
from tests.unit.ops.health.nodes import CASES, HARDWARE, a_gpu, a_host, a_node, an_xid

TABLE: list[dict[str, Any]] = load(CASES).value


def verdict_of(case: dict[str, Any]) -> Verdict:
    wanted = {"hardware": HARDWARE, **case.get("expected", {})}
    gpus = [a_gpu(number, **case.get("all", {})) for number in range(case.get("gpus", 2))]
    if "gpu" in case:
        gpus[0] = {**gpus[0], **case["gpu"]}
    xids = [an_xid(**xid) for xid in case.get("xids", [])]
    node = node_of({**a_node(gpus, xids=xids), **case.get("node", {})})
    return judge(node, expected_of(a_host(**wanted), load_catalog()), load_rules(), load_xids())


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_a_node_gets_the_findings_of_the_table(case: dict[str, Any]) -> None:
    found = verdict_of(case).findings

    told = [f"{one.severity} {one.id}{':' if one.label else ''}{one.label}" for one in found]
    assert sorted(told) == sorted(case["finds"])


def test_the_table_breaks_every_rule_and_every_severity_it_has() -> None:
    rules = load_rules()
    broken = set()
    for case in TABLE:
        for found in verdict_of(case).findings:
            broken.add(("xid" if found.id.startswith("xid-") else found.id, found.severity))

    assert broken == {(rule.id, level) for rule in rules.by_id.values() for level in rule.sentences}


def test_a_finding_is_told_with_the_keys_of_the_report_and_no_others() -> None:
    (found,) = verdict_of({"gpu": {"pcie_width": 8}}).findings

    assert found.as_json() == {
        "id": "pcie-width",
        "severity": "warning",
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
    verdict = verdict_of({"gpu": {"pcie_width": 8, "remap_failure": True}})

    assert [found.severity for found in verdict.findings] == [Severity.CRITICAL, Severity.WARNING]
    assert verdict.worst is Severity.CRITICAL
    assert verdict_of({}).worst is None


def test_hardware_that_the_catalogue_lacks_is_a_complaint_before_any_host_is_asked() -> None:
    with pytest.raises(InputError, match="unknown hardware"):
        expected_of(a_host(hardware="rtx-9"), load_catalog())


def test_an_answer_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="gpus"):
        node_of({**a_node([]), "gpus": "none"})
