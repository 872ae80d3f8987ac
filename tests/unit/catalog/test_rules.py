from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.catalog.hardware import load_catalog
from edgectl.catalog.rules import load_rules
from edgectl.catalog.rules_model import Severity
from edgectl.errors import InputError
from edgectl.ops.health.gpu_rules import GPU_RULES
from edgectl.ops.health.node_rules import NODE_RULES


def test_every_rule_is_judged_by_code_and_every_judge_has_its_rule() -> None:
    assert set(load_rules().by_id) == {*GPU_RULES, *NODE_RULES, "xid"}


def test_every_rule_says_what_why_what_to_do_what_clears_it_and_who_says_so() -> None:
    for rule in load_rules().by_id.values():
        assert rule.sentences
        assert all((rule.why, rule.action, rule.clears, rule.source)), rule.id
        assert "{" not in "".join((*rule.sentences.values(), rule.why)), rule.id


def test_thresholds_are_within_what_a_gpu_can_be() -> None:
    rule = load_rules().by_id["temperature"]

    assert 0 < rule.thresholds["near_c"] <= 15
    assert 70 <= rule.thresholds["warning_c"] < rule.thresholds["critical_c"] <= 95
    assert all(-10 <= margin <= 0 for margin in rule.slowdown_margin_c.values())


def test_margins_by_product_are_under_names_that_nvml_gives() -> None:
    known = {hardware.gpu.nvml_name for hardware in load_catalog().by_name.values() if hardware.gpu}

    assert {"NVIDIA B200", "NVIDIA L40S"} <= set(load_rules().by_id["temperature"].slowdown_margin_c) & known


def test_a_sentence_carries_its_threshold() -> None:
    assert "within 5 degrees" in load_rules().by_id["temperature"].sentences[Severity.WARNING]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("component: gpu", "'critical' or"),
        ("component: cpu, warning: w", "1:13"),
        ("component: gpu, warn: w", "unknown key"),
    ],
)
def test_a_wrong_rule_is_told_with_its_place(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "rules.yaml"
    rest = "why: w, action: a, clears: c, source: s"
    path.write_text(f"rules: {{a: {{{written}, {rest}}}}}\nactions: {{}}\n", encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_rules(path)

    assert str(path) in caught.value.message
    assert told in caught.value.message
