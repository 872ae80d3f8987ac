"""The modules that touch nothing: assert, debug, fail, ping, set_fact."""

from __future__ import annotations

from typing import Any

import pytest

from edgectl.remote import registry
from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module


@pytest.mark.parametrize("name", ["assert", "debug", "fail", "ping", "set_fact"])
def test_a_module_that_touches_nothing_needs_no_process(name: str) -> None:
    assert registry.load(name).PURE


def test_assert_holds_where_all_conditions_hold() -> None:
    result = run_module("assert", {"that": [{"assertion": "a", "evaluated_to": True}]})

    assert (result.failed, result.msg) == (False, "All assertions passed")


def test_assert_names_the_first_condition_that_does_not_hold() -> None:
    that = [
        {"assertion": "1 == 1", "evaluated_to": True},
        {"assertion": "x in (1, 2)", "evaluated_to": False},
    ]

    result = run_module("assert", {"that": that, "msg": ["one", "two"]})

    assert (result.failed, result.msg) == (True, "one\ntwo")
    assert result.values == {"evaluated_to": False, "assertion": "x in (1, 2)"}


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({}, {"msg": "Hello world!"}),
        ({"msg": ["a", 1]}, {"msg": ["a", 1]}),
        ({"var": "x.y", "value": 5}, {"x.y": 5}),
        ({"msg": "a", "verbosity": 1, "run_verbosity": 1}, {"msg": "a"}),
        ({"msg": "a", "verbosity": 1}, {"skipped": True, "skipped_reason": "Verbosity threshold not met."}),
    ],
)
def test_debug_gives_back_what_is_to_be_shown(given: dict[str, Any], values: dict[str, Any]) -> None:
    assert run_module("debug", given).values == values


def test_debug_shows_one_thing() -> None:
    with pytest.raises(ArgumentError):
        run_module("debug", {"msg": "a", "var": "b"})


def test_fail_fails_with_its_message() -> None:
    result = run_module("fail", {"msg": "no"})

    assert (result.failed, result.msg) == (True, "no")
    assert run_module("fail", {}).msg == "Failed as requested from task"


def test_ping_answers() -> None:
    assert run_module("ping", {}).values == {"ping": "pong"}
    assert run_module("ping", {"data": "x"}).values == {"ping": "x"}
    assert run_module("ping", {"data": "crash"}).failed


def test_set_fact_gives_back_the_variables_without_cacheable() -> None:
    result = run_module("set_fact", {"a": 1, "b": [2], "cacheable": True})

    assert (result.changed, result.values) == (False, {"ansible_facts": {"a": 1, "b": [2]}})


@pytest.mark.parametrize("given", [{}, {"cacheable": True}, {"no-name": 1}, {"1x": 1}])
def test_set_fact_refuses_nothing_and_what_is_no_name(given: dict[str, Any]) -> None:
    assert run_module("set_fact", given).failed
