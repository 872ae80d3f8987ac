"""The README is true: its commands exist, its tables agree with the code, its paths are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from edgectl.cli.main import app
from edgectl.errors import ExitCode
from tests.hosts.differential import load_cases, load_intents

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"^```\w+\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
COMMANDS = [
    line.removeprefix("$ ").split("   #")[0].strip()
    for line in BLOCKS.splitlines()
    if re.match(r"^(\$ )?edgectl [a-z]", line)
]


def _parse(words: list[str]) -> None:
    """Parse a command line down to its last command, as typer would before it runs it."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("edgectl", list(words), resilient_parsing=False)
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_every_command_in_the_readme_is_one_that_edgectl_takes(line: str) -> None:
    _parse(shlex.split(line)[1:])


def test_there_are_exactly_two_set_up_commands() -> None:
    assert len(re.findall(r"^python3 -m venv ", README, re.MULTILINE)) == 2


def test_the_table_of_exit_codes_is_complete() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)}
    assert told == {int(code) for code in ExitCode}


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:edgectl|tests|playbooks|inventory)/[\w/.-]+)`", README)))
)
def test_every_path_in_the_readme_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_reading_order_names_files_that_exist() -> None:
    order = README[README.index("**Reading order.**") : README.index("## How to add")]
    for name in re.findall(r"`([\w/]+\.py)`", order):
        assert (ROOT / "edgectl" / name).exists(), name


def test_what_differs_from_ansible_on_purpose_is_told() -> None:
    intents = load_intents()
    assert intents
    for intent in intents:
        assert intent.row() in README, intent


def test_the_number_of_cases_compared_with_ansible_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECTL_ANSIBLE_COLLECTIONS", "/anywhere")
    assert f"runs {len(load_cases())} cases" in README


def test_every_module_of_ansibles_is_named() -> None:
    section = README[README.index("## Ansible's playbooks") : README.index("What differs on purpose")]
    told = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"`([^`]*)`", section))))
    assert {case.module for case in load_cases()} <= told
