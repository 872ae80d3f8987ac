"""Patterns, by the table in tests/cases/patterns.yaml."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edgectl.errors import InputError
from edgectl.inventory.fold import folded
from edgectl.inventory.generate import generate
from edgectl.inventory.loader import load
from edgectl.inventory.model import Fleet
from edgectl.inventory.pattern import select
from edgectl.inventory.terms import parse

TABLE = yaml.safe_load((Path(__file__).parents[2] / "cases" / "patterns.yaml").read_text(encoding="utf-8"))


def _selecting(key: str) -> list[Any]:
    return [pytest.param(case, id=case["is"]) for case in TABLE["select"] if key in case]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    path = tmp_path_factory.mktemp("patterns") / "fleet.yaml"
    path.write_text(yaml.safe_dump(TABLE["fleet"]), encoding="utf-8")
    return load(path)


@pytest.mark.parametrize("case", _selecting("hosts"))
def test_a_pattern_selects_its_hosts(fleet: Fleet, case: dict[str, str]) -> None:
    hosts = select(fleet, case["pattern"], limit=case.get("limit"))

    assert folded(host.name for host in hosts) == case["hosts"]


@pytest.mark.parametrize("case", _selecting("error"))
def test_a_pattern_that_cannot_be_meant_is_refused(fleet: Fleet, case: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        select(fleet, case["pattern"], limit=case.get("limit"))

    assert caught.value.message == case["error"]


def test_selected_hosts_are_in_the_order_of_the_fleet(fleet: Fleet) -> None:
    hosts = select(fleet, "sin1-x10,fra2,sin1-x1,fra1-r1-n01")

    assert [host.name for host in hosts] == [
        "fra1-r1-n01",
        "fra2-r1-n01",
        "fra2-r1-n02",
        "fra2-r1-n03",
        "sin1-x1",
        "sin1-x10",
    ]


def test_a_folded_list_of_hosts_selects_the_same_hosts(fleet: Fleet) -> None:
    hosts = select(fleet, "all")

    assert select(fleet, folded(host.name for host in hosts)) == hosts


def test_a_world_of_hosts_is_selected_and_a_typo_in_it_explained_at_once(tmp_path: Path) -> None:
    for name, text in generate(4400, seed=1).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    fleet = load(tmp_path)
    started = time.perf_counter()

    hosts = select(fleet, "metro=FRA:!*-n01")
    with pytest.raises(InputError, match="did you mean 'fra1'"):
        select(fleet, "fraa1")

    assert len(hosts) > 500
    assert time.perf_counter() - started < 2  # 0.2 s where this was written


@given(st.text(alphabet="fra1n-*?~[]():,&!=\\ {}0", max_size=24))
@settings(max_examples=300)
def test_any_text_is_parsed_or_refused_but_never_crashes(text: str) -> None:
    with contextlib.suppress(InputError):
        parse(text)
