"""What is wrong with a playbook, by the table in tests/cases/playbooks.yaml, and what is read from a right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.errors import ExitCode, InputError
from edgectl.playbook.loader import load_playbook, read_playbook
from edgectl.playbook.model import PlaySpec
from edgectl.playbook.schema import INSTEAD, INSTEAD_OF_MODULES, TASK_KEYWORDS
from edgectl.remote.job import FLUSH
from edgectl.remote.registry import MODULES
from edgectl.yaml_source import parse

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "playbooks.yaml").read_text(encoding="utf-8"))
PATH = Path("play.yaml")


def _play(text: str) -> PlaySpec:
    (play,) = read_playbook(parse(text, PATH)).plays
    return play


@pytest.mark.parametrize("case", [pytest.param(case, id=case["is"]) for case in CASES])
def test_what_is_wrong_is_told_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        read_playbook(parse(case["text"], PATH))

    assert [str(problem).removeprefix("play.yaml:") for problem in caught.value.problems] == case["problems"]
    assert caught.value.exit_code is ExitCode.INPUT


@pytest.mark.parametrize("key", sorted(INSTEAD))
def test_every_keyword_we_lack_says_what_to_use(key: str) -> None:
    with pytest.raises(InputError, match="is not supported; ") as caught:
        read_playbook(parse(f"- hosts: all\n  tasks:\n    - ping:\n      {key}: x\n", PATH))

    assert INSTEAD[key] in str(caught.value)


def test_nothing_that_works_is_called_unsupported() -> None:
    assert not set(INSTEAD) & TASK_KEYWORDS
    assert not set(INSTEAD_OF_MODULES) & set(MODULES)


def test_a_play_is_read_with_its_defaults() -> None:
    play = _play("- hosts: [gpu, '!canary']\n  tasks:\n    - ping:\n")

    assert (play.hosts, play.name, play.become, play.gather_facts) == ("gpu:!canary", "", False, None)
    assert [task.module for task in play.tasks] == ["ping", FLUSH]


def test_handlers_are_flushed_after_each_section_and_where_asked() -> None:
    sections = "pre_tasks: [{ping: }]\n  tasks: [{ping: }, {meta: flush_handlers}, {ping: }]\n  post_tasks: [{ping: }]"

    modules = [task.module for task in _play(f"- hosts: all\n  {sections}\n").tasks]

    assert modules == ["ping", FLUSH, "ping", FLUSH, "ping", FLUSH, "ping", FLUSH]


FORMS = [
    ("copy: {src: a, dest: /b}", "copy", {"src": "a", "dest": "/b"}),
    ("copy: src=a dest='/b c'", "copy", {"src": "a", "dest": "/b c"}),
    (
        "copy: 'src={{ item.src }} dest=\"/b/{{ x | default(1) }}\"'",
        "copy",
        {"src": "{{ item.src }}", "dest": "/b/{{ x | default(1) }}"},
    ),
    ("ansible.builtin.copy: {src: a}\n      args: {dest: /b}", "copy", {"src": "a", "dest": "/b"}),
    ("command: echo a=b", "command", {"cmd": "echo a=b"}),
    (
        "command: make install creates=/usr/bin/x chdir='/my src'",
        "command",
        {"cmd": "make install", "creates": "/usr/bin/x", "chdir": "/my src"},
    ),
    ('shell: echo "creates=/x"   two  spaces', "shell", {"cmd": 'echo "creates=/x"   two  spaces'}),
    (
        "shell: echo {{ x }} removes={{ y ~ 'z' }}",
        "shell",
        {"cmd": "echo {{ x }}", "removes": "{{ y ~ 'z' }}"},
    ),
    ("command: uname\n      args: {chdir: /}", "command", {"cmd": "uname", "chdir": "/"}),
    ("setup:", "setup", {}),
    ("service: name=ssh state=restarted", "service", {"name": "ssh", "state": "restarted"}),
]


@pytest.mark.parametrize(("task", "module", "args"), FORMS)
def test_arguments_are_read_in_each_of_ansibles_forms(task: str, module: str, args: dict[str, Any]) -> None:
    spec = _play(f"- hosts: all\n  tasks:\n    - {task}\n").tasks[0]

    assert (spec.module, dict(spec.args)) == (module, args)


@pytest.mark.parametrize(
    ("written", "read"), [("yes", True), ('"yes"', True), ("false", False), ("'{{ x }}'", "{{ x }}")]
)
def test_ignore_errors_is_a_truth_or_a_template(written: str, read: Any) -> None:
    spec = _play(f"- hosts: all\n  tasks:\n    - ping:\n      ignore_errors: {written}\n").tasks[0]

    assert spec.ignore_errors == read


def test_files_of_variables_are_weaker_than_the_play_and_later_ones_win(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: a\nb: a\nc: a\n")
    (tmp_path / "b.yaml").write_text("b: b\nc: b\n")
    playbook = tmp_path / "play.yaml"
    playbook.write_text("- hosts: all\n  vars: {c: play}\n  vars_files: [a.yaml, b.yaml]\n")

    assert dict(load_playbook(playbook).plays[0].vars) == {"a": "a", "b": "b", "c": "play"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "vars.yaml:1:1   there is no such file"),
        ("- a\n", "play.yaml:2:16   vars.yaml does not hold a mapping of variables"),
        ("a: [", "vars.yaml:2:1   this is not YAML"),
    ],
)
def test_a_file_of_variables_that_is_none_is_told_with_its_place(
    tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "vars.yaml").write_text(content)
    playbook = tmp_path / "play.yaml"
    playbook.write_text("- hosts: all\n  vars_files: [vars.yaml]\n")

    with pytest.raises(InputError) as caught:
        load_playbook(playbook)
    assert str(caught.value).startswith(f"{tmp_path}/{told}")


@pytest.mark.parametrize("name", ["provision.yaml", "deploy.yaml"])
def test_the_shipped_playbooks_are_right(name: str) -> None:
    assert load_playbook(Path(__file__).parents[3] / "playbooks" / name).plays
