"""`edgectl docs`: every module that there is, told from its code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgectl.playbook.vocabulary import module_doc, module_docs
from edgectl.remote.registry import MODULES
from tests.cli_run import Edgectl


@pytest.fixture
def edgectl(tmp_path: Path) -> Edgectl:
    return Edgectl(tmp_path, tmp_path / "inventory", {})


def test_every_module_is_listed_with_what_it_does(edgectl: Edgectl) -> None:
    found = json.loads(edgectl("docs", "-o", "json").out)["data"]["modules"]

    assert set(found) == set(MODULES)
    assert all(found.values())


def test_a_module_s_arguments_are_told_with_their_defaults(edgectl: Edgectl) -> None:
    shown = edgectl("docs", "copy")

    assert shown.code == 0
    assert "dest            str   must be given" in shown.out
    assert "force           bool  true" in shown.out
    assert "example   - copy: {dest: …}" in shown.out
    assert "sources" not in shown.out  # what the compiler fills in is nobody's business


def test_a_name_that_is_none_is_bad_input_with_the_nearest_one(edgectl: Edgectl) -> None:
    refused = edgectl("docs", "cpy")

    assert (refused.code, "did you mean 'copy'?" in refused.err) == (3, True)


def test_every_argument_of_every_module_says_what_it_means() -> None:
    silent = [f"{doc.name}.{one.name}" for doc in module_docs() for one in doc.arguments if not one.doc]

    assert silent == []


def test_what_a_bare_text_means_and_what_is_never_done_twice_are_told() -> None:
    shell = module_doc("shell")

    assert (shell.free_form, shell.repeat.startswith("never done twice")) == ("cmd", True)
    assert module_doc("set_fact").takes_any
