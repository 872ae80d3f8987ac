"""Blocks, files of tasks and roles: what stands around a task reaches it, and where it stands is known at the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.errors import InputError
from edgectl.playbook.compile import Options
from edgectl.playbook.jobs import Compiler, stages
from edgectl.playbook.loader import load_playbook
from edgectl.remote.job import Job
from tests.fakes.fleet import a_host
from tests.unit.playbook.compiling import job_of, tasks_of

_BLOCK = """
  tasks:
    - name: outer
      when: wanted
      become: true
      vars: {a: outer, b: outer}
      environment: {LANG: C}
      tags: [base]
      block:
        - {name: one, debug: {msg: x}, when: "really", vars: {b: inner}, tags: inner}
        - block:
            - {name: two, debug: {msg: x}, become: false}
          rescue:
            - {name: three, debug: {msg: x}}
      always:
        - {name: four, debug: {msg: x}, ignore_errors: true}
    - {name: five, debug: {msg: x}}
"""


def _written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "site.yml"


def _job(site: Path, options: Options | None = None, **variables: Any) -> Job:
    playbook = load_playbook(site)
    host = a_host("fra1-n01", variables=variables)
    ((stage, _),) = stages([(play, [host]) for play in playbook.plays])
    return Compiler(playbook, "R1", options or Options(), {}, {}, "ci").job(host, stage, {})


def _names(job: Job) -> list[str]:
    return [task.name for task in job.plays[0].tasks if task.module != "flush"]


def test_what_a_block_says_goes_for_each_of_its_tasks_unless_they_say_otherwise() -> None:
    one, two, three, four, five = tasks_of(_BLOCK, wanted=True, really=True)

    assert (one.vars, two.vars) == ({"a": "outer", "b": "inner"}, {"a": "outer", "b": "outer"})
    assert [task.become_user for task in (one, two, three, four, five)] == [
        "root",
        None,
        "root",
        "root",
        None,
    ]
    assert (one.environment, five.environment) == ({"LANG": "C"}, {})
    assert (one.when, two.when, five.when) == ([True, True], [True], [])
    assert (three.ignore_errors, four.ignore_errors) == (False, True)


def test_a_block_s_condition_is_asked_before_its_task_s_own() -> None:
    one, *_ = tasks_of(_BLOCK, wanted=False)

    assert one.when == [False]


def test_the_host_knows_where_each_block_begins_is_rescued_and_ends() -> None:
    job = job_of(f"- hosts: all\n  gather_facts: false{_BLOCK}", wanted=True, really=True)

    assert job.plays[0].blocks == [[0, 3, 3, 4], [1, 2, 3, 3]]
    assert "edgectl.remote.blocks" in job.needs


def test_positions_are_right_behind_gathered_facts_and_without_the_tasks_of_other_tags() -> None:
    text = f"- hosts: all\n  gather_facts: true{_BLOCK}"
    facts = job_of(text, wanted=True, really=True)
    tagged = job_of(
        text.replace("true", "false", 1), options=Options(tags=frozenset({"inner"})), wanted=True, really=True
    )

    assert facts.plays[0].blocks == [[1, 4, 4, 5], [2, 3, 4, 4]]
    assert tagged.plays[0].blocks == [[0, 1, 1, 1]]


def test_a_playbook_without_blocks_brings_nothing_for_them() -> None:
    job = job_of("- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]\n")

    assert (job.plays[0].blocks, job.needs) == ([], [])


def test_a_file_of_tasks_stands_where_it_is_taken_in(tmp_path: Path) -> None:
    site = _written(
        tmp_path,
        site="- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: a, ping: }\n"
        "    - {import_tasks: more/in.yml, when: go, tags: t}\n"
        "    - ansible.builtin.include_tasks: {file: more/in.yml}\n",
        more__in="- {name: b, ping: }\n- import_tasks: deep.yml\n",
        more__deep="- {name: c, ping: }\n",
    )

    job = _job(site, go=False)

    assert _names(job) == ["a", "b", "c", "b", "c"]
    assert [task.when for task in job.plays[0].tasks[:5]] == [[], [False], [False], [], []]
    assert [path.name for path in load_playbook(site).files] == [
        "site.yml",
        "in.yml",
        "deep.yml",
        "in.yml",
        "deep.yml",
    ]


def test_files_that_take_each_other_in_are_a_complaint(tmp_path: Path) -> None:
    site = _written(
        tmp_path,
        site="- hosts: all\n  tasks:\n    - import_tasks: a.yml\n",
        a="- import_tasks: b.yml\n",
        b="- import_tasks: a.yml\n",
    )
    with pytest.raises(
        InputError, match=r"b\.yml:1:3   tasks cannot take themselves in: a\.yml → b\.yml → a\.yml"
    ):
        load_playbook(site)


def _role(folder: Path) -> Path:
    site = _written(
        folder,
        site="- hosts: all\n  gather_facts: false\n  vars: {port: 81}\n  pre_tasks: [{name: first, ping: }]\n"
        "  roles:\n    - {role: web, vars: {given: by entry}, when: wanted, tags: w}\n"
        "  tasks: [{name: last, ping: }]\n",
        roles__web__tasks__main="- {name: in role, copy: {src: motd, dest: /etc/motd}, notify: tell}\n"
        "- {name: says, debug: {msg: '{{ port }} {{ user }} {{ own }} {{ given }}'}}\n"
        "- {name: shows, template: {src: a.j2, dest: /etc/a}}\n",
        roles__web__handlers__main="- {name: tell, ping: }\n",
        roles__web__defaults__main="port: 80\nuser: www\n",
        roles__web__vars__main="own: role's\n",
    )
    for part, name in (("files", "motd"), ("templates", "a.j2")):
        (folder / "roles/web" / part).mkdir()
        (folder / "roles/web" / part / name).write_text("x\n")
    return site


def test_a_role_brings_tasks_handlers_files_templates_and_weak_and_strong_variables(tmp_path: Path) -> None:
    job = _job(_role(tmp_path), wanted=True)
    tasks = {task.name: task for task in job.plays[0].tasks}

    assert _names(job) == ["first", "web : in role", "web : says", "web : shows", "last"]
    assert [handler.name for handler in job.plays[0].handlers] == ["web : tell"]
    assert tasks["web : says"].vars == {"own": "role's", "given": "by entry"}
    assert (job.plays[0].vars["port"], job.plays[0].vars["user"]) == (81, "www")
    assert tasks["web : in role"].args["sources"][0][0] == ""
    assert tasks["web : shows"].args["content"] == "x\n"


def test_inventory_is_stronger_than_a_role_s_defaults(tmp_path: Path) -> None:
    job = _job(_role(tmp_path), wanted=True, user="inventory's")

    assert job.plays[0].vars["user"] == "inventory's"


def test_a_role_s_condition_and_tags_go_for_its_tasks(tmp_path: Path) -> None:
    site = _role(tmp_path)

    assert [task.when for task in _job(site, wanted=False).plays[0].tasks if task.name == "web : says"] == [
        [False]
    ]
    assert _names(_job(site, Options(tags=frozenset({"w"})), wanted=True)) == [
        "web : in role",
        "web : says",
        "web : shows",
    ]


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("roles/web/library/x.py", "", "has library, which is not supported"),
        ("roles/web/meta/main.yml", "dependencies: [base]\n", "has dependencies: name them under `roles`"),
        ("roles/web/vars/main.yml", "[a]\n", "does not hold a mapping"),
        ("roles/web/tasks/main.yml", "- pong:\n", "unknown module or keyword 'pong'"),
        ("roles/web/handlers/main.yml", "- {block: [{name: h, ping: }]}\n", "a handler cannot be in a block"),
    ],
)
def test_what_a_role_may_not_have_is_told(tmp_path: Path, path: str, text: str, why: str) -> None:
    site = _role(tmp_path)
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text)
    with pytest.raises(InputError, match=why):
        load_playbook(site)
