"""The same expressions over the same variables: Ansible's templating and ours give the same, or both refuse."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.remote.filters import FILTERS
from edgectl.remote.template import Layer, TemplateError, Variables, evaluate, render
from edgectl.remote.template_tests import TESTS

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases/expressions.yaml").read_text())
# Since 2.19 Ansible refuses conditions that are no booleans; here their truth counts, as it did before.
_OF_ANY_TYPE = (
    "text",
    "empty",
    "nothing",
    "users | selectattr('name', 'equalto', 'ann') | list",
    "'False'",
    1,
    0,
)
# Ansible refuses what it does not know as data; a list of it is what was meant.
_REFUSED_THERE = ("{{ range(1, 4) }}",)
# Ansible makes sets of their lists, and so has no order to compare.
_IN_NO_ORDER = ("union", "intersect", "difference")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ansible") is None, reason="needs ansible-core: pip install -e '.[dev]'"
)


@pytest.fixture(scope="module")
def oracle() -> dict[str, Any]:
    asked = json.dumps(
        {"vars": CASES["vars"], "texts": CASES["expressions"], "conditions": CASES["conditions"]}
    )
    script = Path(__file__).with_name("ansible_templates.py")
    done = subprocess.run(
        [sys.executable, str(script)], input=asked, capture_output=True, text=True, check=True
    )
    return dict(zip([*CASES["expressions"], *CASES["conditions"]], json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("text", CASES["expressions"])
def test_an_expression_gives_what_it_gives_in_ansible(text: str, oracle: dict[str, Any]) -> None:
    try:
        said = {"value": json.loads(json.dumps(rendered(text), default=str))}
    except TemplateError:
        said = {"error": "TemplateError"}
    expected = oracle[text]
    if text in _REFUSED_THERE:
        assert "error" in expected
        return
    assert said.keys() == expected.keys(), (said, expected)
    if any(word in text for word in _IN_NO_ORDER):
        assert sorted(said["value"]) == sorted(expected["value"])
    else:
        assert said.get("value") == expected.get("value")


@pytest.mark.parametrize("condition", CASES["conditions"])
def test_a_condition_holds_where_it_holds_in_ansible(condition: Any, oracle: dict[str, Any]) -> None:
    try:
        said: dict[str, Any] = {"value": evaluate(condition, variables())}
    except TemplateError:
        said = {"error": "TemplateError"}
    expected = oracle[condition]
    if condition in _OF_ANY_TYPE:
        assert expected["error"] in ("AnsibleBrokenConditionalError", "TypeError")
        return
    assert said.keys() == expected.keys(), (said, expected)
    assert said.get("value") == expected.get("value")


def rendered(text: str) -> Any:
    return render(text, variables())


def variables() -> Variables:
    return Variables([Layer(CASES["vars"], authored=True)])


def test_every_filter_and_test_of_ours_is_among_the_expressions() -> None:
    texts = " ".join(CASES["expressions"])
    words = set(texts.replace("(", " ").replace(")", " ").replace("'", " ").replace(",", " ").split())
    assert {name for name in FILTERS if name not in words} <= {"expanduser", "expandvars", "realpath"}
    assert {name for name in TESTS if name not in words} <= {
        "change", "failure", "isnan", "is_abs", "issubset", "issuperset", "nan", "skip", "successful",
        "version_compare",
    }  # fmt: skip
