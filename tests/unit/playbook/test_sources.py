"""Files that a playbook sends: found, read, rendered, or refused with their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.playbook.compiling import job_of, refusal_of, tasks_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "files").mkdir()
    return tmp_path


def test_a_template_file_is_rendered_here_where_all_is_known(folder: Path) -> None:
    (folder / "templates" / "a.j2").write_text("n={{ n }}\n")
    (task,) = tasks_of("  tasks: [{template: {src: a.j2, dest: /a}}]\n", at=folder / "play.yaml", n=3)

    assert (task.args["content"], task.template) == ("n=3\n", None)


def test_a_template_file_that_needs_the_host_travels(folder: Path) -> None:
    (folder / "templates" / "a.j2").write_text("{{ ansible_hostname }}\n")
    job = job_of("- {hosts: all, tasks: [{template: {src: a.j2, dest: /a}}]}\n", at=folder / "play.yaml")

    task = job.plays[0].tasks[1]
    assert task.template in job.blobs
    assert "content" not in task.args


def test_a_template_file_with_a_mistake_names_its_own_file_and_line(folder: Path) -> None:
    path = folder / "templates" / "a.j2"
    path.write_text("fine\n{% if x %}\nnever ended\n")

    told = refusal_of("  tasks: [{template: {src: a.j2, dest: /a}}]\n", at=folder / "play.yaml")
    assert told.startswith(f"{path}:3:1   Unexpected end of template")


def test_an_undefined_name_in_a_template_file_behind_a_false_condition_is_not_asked_for(folder: Path) -> None:
    (folder / "templates" / "a.j2").write_text("{{ nobody }}\n")
    task = "{template: {src: a.j2, dest: /a}, when: nobody is defined}"

    assert tasks_of(f"  tasks: [{task}]\n", at=folder / "play.yaml")[0].when == [False]


SOURCES = [
    ("copy: {src: none, dest: /f}", "there is no file 'none'; looked at"),
    ("template: {src: none.j2, dest: /f}", "there is no file 'none.j2'; looked at"),
    ("template: {src: latin.j2, dest: /f}", "latin.j2 is not UTF-8"),
    ("copy: {src: '{{ r.stdout }}', dest: /f}", "'src' must be known before the run"),
    ("copy: {src: pipe, dest: /f}", "pipe is neither a file nor a folder"),
]


@pytest.mark.parametrize(("task", "told"), SOURCES)
def test_a_file_that_cannot_be_sent_is_told_with_its_place(folder: Path, task: str, told: str) -> None:
    (folder / "templates" / "latin.j2").write_bytes(b"\xfc")
    os.mkfifo(folder / "files" / "pipe")

    said = refusal_of(
        f"  tasks:\n    - {{command: ls, register: r}}\n    - {task}\n", at=folder / "play.yaml"
    )
    assert told in said
    assert said.startswith(f"{folder}/play.yaml:5:")


def test_a_folder_is_sent_with_all_that_is_below_it(folder: Path) -> None:
    (folder / "files" / "d" / "empty").mkdir(parents=True)
    (folder / "files" / "d" / "f").write_text("x")
    for src, prefix in (("d", "d/"), ("d/", "")):
        (task,) = tasks_of(f"  tasks: [{{copy: {{src: {src}, dest: /f}}}}]\n", at=folder / "play.yaml")
        assert [(name, digest is None) for name, digest, _ in task.args["sources"]] == [
            (f"{prefix}empty", True),
            (f"{prefix}f", False),
        ]


def test_the_same_file_travels_once(folder: Path) -> None:
    (folder / "files" / "f").write_text("x")
    job = job_of(
        "- {hosts: all, tasks: [{copy: {src: f, dest: /a}}, {copy: {src: f, dest: /b}}]}\n",
        at=folder / "play.yaml",
    )

    assert len(job.blobs) == 1


def test_a_script_is_sent_as_its_first_word_says(folder: Path) -> None:
    (folder / "files" / "run me.sh").write_text("#!/bin/sh\n")
    (task,) = tasks_of("  tasks: [{script: \"'run me.sh' one creates=/x\"}]\n", at=folder / "play.yaml")

    assert task.args["cmd"] == "'run me.sh' one"
    assert (task.args["creates"], [source[0] for source in task.args["sources"]]) == ("/x", [""])


@pytest.mark.parametrize(
    ("args", "local"),
    [
        ("src: /etc/x, dest: in", "in/fra1-n01/etc/x"),
        ("src: /etc/x, dest: in, flat: true", "in"),
        ("src: /etc/x, dest: in/, flat: true", "in/x"),
        ("src: /etc/../x, dest: in", "in/fra1-n01/x"),
    ],
)
def test_where_a_fetched_file_goes_is_settled_here(args: str, local: str, folder: Path) -> None:
    (task,) = tasks_of(f"  tasks: [{{fetch: {{{args}}}}}]\n", at=folder / "play.yaml")

    assert task.args["local"] == str(folder / local)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ("src: ../../../x, dest: in", "would leave"),
        ("src: /x, dest: files, flat: true", "write a slash behind"),
        ("src: '{{ ansible_hostname }}', dest: in", "'src' must be known before the run"),
    ],
)
def test_a_fetch_to_anywhere_is_refused(args: str, why: str, folder: Path) -> None:
    assert why in refusal_of(f"  tasks: [{{fetch: {{{args}}}}}]\n", at=folder / "play.yaml")
