from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.quantities import QUANTITIES
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Severity
from edgectl.catalog.xid import load_xids
from edgectl.errors import InputError
from edgectl.ops.health.gpu_rules import GPU_RULES
from edgectl.ops.health.node_rules import NODE_RULES

REST = "why: w, action: a, clears: c, source: s"


def written(tmp_path: Path, rule: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(f"rules:\n  a: {{{rule}, {REST}}}\nactions: {{}}\n", encoding="utf-8")
    return path


def test_every_rule_is_judged_by_code_and_every_judge_has_its_rule() -> None:
    rules = load_rules().by_id
    of_the_log = {name for name, rule in rules.items() if rule.events} | {"xid", "xid-repeated"}

    assert set(rules) == {*GPU_RULES, *NODE_RULES, *of_the_log}


def test_a_kind_of_line_breaks_one_rule() -> None:
    kinds = [kind for rule in load_rules().by_id.values() for kind in rule.events]

    assert len(kinds) == len(set(kinds))


def test_every_rule_says_what_why_what_to_do_what_clears_it_and_who_says_so() -> None:
    for rule in load_rules().by_id.values():
        assert rule.sentences
        assert all((rule.why, rule.action, rule.clears, rule.source)), rule.id
        assert "{" not in "".join((*rule.sentences.values(), rule.why, rule.source)), rule.id


def test_every_threshold_has_a_quantity_and_lies_in_its_range() -> None:
    for rule in load_rules().by_id.values():
        assert set(rule.thresholds) == set(rule.quantities), rule.id
        for name, value in rule.thresholds.items():
            assert value in QUANTITIES[rule.quantities[name]], (rule.id, name)


def test_every_cause_and_every_consequence_is_a_finding() -> None:
    rules = load_rules()
    known = {*rules.by_id, *(f"xid-{code}" for code in load_xids())}

    assert {*rules.causes, *(cause for causes in rules.causes.values() for cause in causes)} <= known


def test_margins_by_product_are_under_names_that_nvml_gives() -> None:
    known = {hardware.gpu.nvml_name for hardware in load_catalog().by_name.values() if hardware.gpu}

    assert {"NVIDIA B200", "NVIDIA L40S"} <= set(load_rules().by_id["temperature"].slowdown_margin_c) & known


def test_a_sentence_carries_its_threshold() -> None:
    assert "within 5 degrees" in load_rules().by_id["temperature"].sentences[Severity.WARNING]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("component: gpu", "'critical' or"),
        ("component: cpu, warning: w", "2:7"),
        ("component: gpu, warn: w", "unknown key"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(tmp_path: Path, rule: str, told: str) -> None:
    path = written(tmp_path, rule)

    with pytest.raises(InputError) as caught:
        load_rules(path)

    assert str(path) in caught.value.message
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("threshold", "told"),
    [
        # A published table has 2,333 MB/s for a GPU whose neighbours have 2,000,000, so its check cannot fail.
        ("floor: {bandwidth_gbs: 2.333}", "2.333 is no bandwidth_gbs: that lies between 50 and 30000 GB/s"),
        # And 49,050 GB/s for another, so that its check can only fail.
        ("floor: {bandwidth_gbs: 49050}", "49050 is no bandwidth_gbs"),
        ("near: {temperature_c: 358}", "358 is no temperature_c: that lies between 20 and 130 °C"),
        ("most: {share: 90}", "90 is no share"),
        ("near: {margin_c: 85}", "85 is no margin_c"),
        ("near: {kelvin: 5}", "unknown quantity 'kelvin'"),
        ("near: {margin_c: 5, share: 1}", "one quantity and its value"),
        ("near: {}", "one quantity and its value"),
    ],
)
def test_a_threshold_that_nothing_can_reach_or_without_unit_is_refused(
    tmp_path: Path, threshold: str, told: str
) -> None:
    path = written(tmp_path, f"component: gpu, warning: w, thresholds: {{{threshold}}}")

    with pytest.raises(InputError) as caught:
        load_rules(path)

    assert caught.value.message.startswith(f"{path}:2:")
    assert told in caught.value.message


def test_a_margin_that_is_none_is_refused_with_its_product(tmp_path: Path) -> None:
    path = written(tmp_path, "component: gpu, warning: w, slowdown_margin_c: {NVIDIA X: -200}")

    with pytest.raises(InputError, match="margin of 'NVIDIA X': -200 is no margin_c"):
        load_rules(path)
