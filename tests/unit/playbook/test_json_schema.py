"""The schema takes every playbook that edgectl takes, and refuses what an editor should mark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from edgectl.playbook.json_schema import json_schema

ROOT = Path(__file__).parents[3]
SHAPES = [ROOT / f"tests/cases/shapes/{name}.yaml" for name in ("web", "users", "ntp", "gpu", "logs")]
TAKEN = sorted([*(ROOT / "playbooks").glob("*.yaml"), *(ROOT / "tests/cases/twins").glob("*.yaml"), *SHAPES])
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", TAKEN, ids=lambda path: path.name)
def test_playbooks_that_run_fulfil_it(path: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


GOOD = [
    "{copy: {src: a, dest: /b, mode: 0644}}",
    "{ansible.builtin.copy: src=a dest=/b}",
    "{command: uptime, when: [a, b], register: r, retries: 3, until: r is succeeded}",
    "{file: {path: /x, state: '{{ wanted }}'}, timeout: 5m}",
    "{block: [{ping: }], rescue: [{ping: }], become: yes}",
    "{include_tasks: more.yaml, when: x}",
    "{import_role: {name: web}}",
    "{set_fact: {any: thing}}",
    "{sysctl: {name: a, value: '1'}, confirm: 30s}",
]
BAD = [
    "{copy: {src: a, dst: /b}}",
    "{copi: {src: a, dest: /b}}",
    "{copy: {src: a, dest: /b}, whn: x}",
    "{file: {path: /x, state: direktory}}",
    "{name: no module}",
    "{block: ping}",
    "ping",
]


def play(task: str) -> Any:
    return yaml.safe_load(f"[{{hosts: all, tasks: [{task}]}}]")


@pytest.mark.parametrize("task", GOOD)
def test_what_may_be_written_fulfils_it(task: str) -> None:
    VALIDATOR.validate(play(task))


@pytest.mark.parametrize("task", BAD)
def test_what_an_editor_should_mark_does_not(task: str) -> None:
    assert not VALIDATOR.is_valid(play(task))
