"""Whatever stands in a playbook in place of what should: it is compiled, or refused with a place; never a traceback."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from edgectl.errors import InputError
from edgectl.playbook.compile import Options
from edgectl.playbook.jobs import MAGIC, Compiler, stages
from edgectl.playbook.lint import advice
from edgectl.playbook.loader import read_playbook
from edgectl.remote.job import encode_job
from edgectl.yaml_source import parse
from tests.fakes.fleet import a_host

ROOT = Path(__file__).parents[3]
PLAYBOOKS = [
    (path, yaml.safe_load(path.read_text()))
    for path in (
        *sorted((ROOT / "tests/cases/twins").glob("*.yaml")),
        # Those that need nothing of an operation that runs them.
        *(ROOT / "playbooks" / f"{name}.yaml" for name in ("health", "reboot-survival", "sshd", "storage")),
    )
]
NASTY: list[Any] = [
    None, [], {}, "", " ", 0, -1, 1.5, True, "yes", "{{", "{{ }}", "{{ x }}", "{% if %}", "{{ 1 / 0 }}", "{{ x.y.z }}",
    "{{ pop | nothing }}", "{{ lookup('file', 'x') }}", "{{ range(3) }}", "a=b",
    "a: b", "\x00", "é" * 300, [[]], [None],
    [{}], {"a": None}, {"a": {"b": ["c"]}}, ["{{ item }}"], 10**30, "!unsafe", "{{ ''.__class__ }}", [[[[["x"]]]]],
    "{{ item }}", "{{ loop_undefined }}", {"{{ x }}": 1}, "register", "{{ pop }}", ["a", 1, None], "5m", "25%", "* * *",
]  # fmt: skip


def places(value: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value below."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [steps, *(place for key, item in inner for place in places(item, (*steps, key)))]


WAYS = [(path, document, places(document)) for path, document in PLAYBOOKS]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Path, Any]:
    path, document, ways = draw(st.sampled_from(WAYS))
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        changed = mutate(changed, draw(st.sampled_from(ways)), draw)
    return path, changed


def mutate(document: Any, way: tuple[Any, ...], draw: st.DrawFn) -> Any:
    if not way:
        return draw(st.sampled_from(NASTY))
    parent = document
    for step in way[:-1]:
        try:
            parent = parent[step]
        except (KeyError, IndexError, TypeError):
            return document
    key = way[-1]
    action = draw(st.sampled_from(["replace", "remove", "rename", "double"]))
    if isinstance(parent, dict) and key in parent:
        if action == "remove":
            del parent[key]
        elif action == "rename":
            parent[draw(st.sampled_from(["nmae", "when", "loop", "block", "copy", "x", ""]))] = parent.pop(
                key
            )
        else:
            parent[key] = draw(st.sampled_from(NASTY))
    elif isinstance(parent, list) and isinstance(key, int) and key < len(parent):
        if action == "double":
            parent.insert(key, copy.deepcopy(parent[key]))
        else:
            parent[key] = draw(st.sampled_from(NASTY))
    return document


def said_nowhere(path: Path, document: Any) -> str:
    """Return what is said without a place. Anything but `InputError` is a bug."""
    host = a_host("fra1-n01", variables={"x": 1})
    try:
        playbook = read_playbook(parse(yaml.safe_dump(document), path))
        secrets = {name: "s3cret" for play in playbook.plays for name in play.secrets}
        compiler = Compiler(playbook, "R1", Options(), secrets, {"all": ["fra1-n01"]}, "ci")
        for stage, _ in stages([(play, [host]) for play in playbook.plays]):
            encode_job(compiler.job(host, stage, {}))
        advice(playbook, MAGIC)
    except InputError as error:
        return "" if all(problem.place is not None for problem in error.problems) else error.message
    return ""


@given(mutated())
@settings(max_examples=250, deadline=None)
def test_a_mutated_playbook_is_compiled_or_refused(case: tuple[Path, Any]) -> None:
    assert not said_nowhere(*case)


@pytest.mark.long
@given(mutated())
@settings(max_examples=10_000, deadline=None)
def test_ten_thousand_mutated_playbooks_are_compiled_or_refused(case: tuple[Path, Any]) -> None:
    assert not said_nowhere(*case)
