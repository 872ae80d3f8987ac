"""Blocks at the host: what fails in one is rescued, what is always done is done, and nothing is done twice."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.job import BLOCKS, Job, Task
from edgectl.remote.protocol import TaskEnded
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, every_python, shell


@pytest.fixture
def host(tmp_path: Path) -> BundledHost:
    return BundledHost(tmp_path)


def _job(tasks: Sequence[Task], blocks: list[list[int]], **more: Any) -> Job:
    job = a_job(tasks, needs=[*more.pop("needs", []), BLOCKS], **more)
    return dataclasses.replace(job, plays=[dataclasses.replace(job.plays[0], blocks=blocks)])


def _ran(host: BundledHost, words: str, blocks: list[list[int]]) -> tuple[list[str], str]:
    """Run a task for each letter; a capital fails. Return the letters that ran, and how the job ended."""
    tasks = [
        shell(number, "false" if letter.isupper() else "true", letter)
        for number, letter in enumerate(words, start=1)
    ]
    visit = host.run(_job(tasks, blocks))
    return [
        message.name for message in visit.of(TaskEnded)
    ], f"{visit.end.status} {visit.end.failed_task or ''}".strip()


# Per case: the tasks, each block's four positions, what runs, and the end.
_CASES = [
    ("abrzq", [[0, 2, 3, 4]], "abzq", "changed"),  # nothing fails: the rescue is passed over
    ("Abrzq", [[0, 2, 3, 4]], "Arzq", "changed"),  # rescued, and the play goes on
    ("AbRzq", [[0, 2, 3, 4]], "ARz", "failed R"),  # the rescue fails too: always, and the end
    ("Abzq", [[0, 2, 2, 3]], "Az", "failed A"),  # nobody rescues
    ("AbZq", [[0, 2, 2, 3]], "AZ", "failed A"),  # what failed first is what is told
    ("abZq", [[0, 2, 2, 3]], "abZ", "failed Z"),
    ("Abrq", [[0, 2, 3, 3]], "Arq", "changed"),
    (
        "aBczrq",
        [[0, 4, 5, 5], [1, 3, 3, 4]],
        "aBzrq",
        "changed",
    ),  # the inner one is not rescued, the outer one is
    ("aBrzsq", [[0, 4, 5, 5], [1, 2, 3, 4]], "aBrzq", "changed"),  # the inner one is: the outer one goes on
    ("ArBsq", [[0, 1, 2, 2], [2, 3, 4, 4]], "ArBsq", "changed"),  # two, one after the other
]


@pytest.mark.parametrize(("words", "blocks", "ran", "end"), _CASES, ids=[case[0] for case in _CASES])
def test_what_runs_is_what_ansible_would_run(
    host: BundledHost, words: str, blocks: list[list[int]], ran: str, end: str
) -> None:
    assert _ran(host, words, blocks) == (list(ran), end)


@pytest.mark.parametrize("version", every_python())
def test_blocks_are_understood_by_every_supported_python(tmp_path: Path, version: str) -> None:
    ran, end = _ran(BundledHost(tmp_path, version), "Abrzq", [[0, 2, 3, 4]])

    assert (ran, end) == (list("Arzq"), "changed")


def test_a_rescue_knows_what_failed_and_how(host: BundledHost) -> None:
    tasks = [
        shell(1, "echo why >&2; exit 3", "fill"),
        a_task(2, "debug", {"msg": "{{ ansible_failed_task.name }}: {{ ansible_failed_result.rc }}"}, "told"),
    ]
    visit = host.run(_job(tasks, [[0, 1, 2, 2]], needs=["jinja2"]))

    assert visit.statuses == {"fill": "rescued", "told": "ok"}
    assert visit.results["told"]["msg"] == "fill: 3"


def test_handlers_that_were_notified_in_a_block_run_after_its_rescue(host: BundledHost) -> None:
    tasks = [
        shell(1, "true", "a", notify=["h"]),
        shell(2, "false", "B"),
        shell(3, "true", "r"),
        a_task(4, "flush"),
    ]
    visit = host.run(_job(tasks, [[0, 2, 3, 3]], handlers=[shell(9, "true", "h")]))

    assert list(visit.statuses) == ["a", "B", "r", "h"]


def test_leaving_the_play_leaves_its_blocks_too(host: BundledHost) -> None:
    tasks = [
        a_task(1, "meta", {"action": "end_host"}, "leave", when=["x"]),
        shell(2, "true", "never"),
        shell(3, "true", "nor this"),
    ]
    visit = host.run(_job(tasks, [[0, 2, 2, 3]], needs=["jinja2"], variables={"x": True}))

    assert (list(visit.statuses), visit.end.status) == (["leave"], "ok")
    stays = host.run(_job(tasks, [[0, 2, 2, 3]], needs=["jinja2"], variables={"x": False}, run="R2"))
    assert list(stays.statuses) == ["leave", "never", "nor this"]


def test_a_runner_that_is_killed_in_a_rescue_goes_on_there(host: BundledHost) -> None:
    tasks = [
        shell(1, "echo a >> ran; false", "A"),
        a_task(2, "copy", {"content": "r", "dest": str(host.folder / "rescued")}, "r"),
        a_task(3, "wait_for", {"path": str(host.folder / "go"), "sleep": 1, "timeout": 60}, "w"),
        shell(4, "echo z >> ran", "z"),
    ]
    job = _job(tasks, [[0, 1, 3, 4]])
    process = host.start(job)
    host.wait_for(host.folder / "rescued")
    _kill_all_of(host)
    process.communicate(timeout=30)
    (host.folder / "go").touch()

    visit = host.run(job)

    assert visit.end.status == "changed"
    assert (host.folder / "ran").read_text() == "a\nz\n"
    assert list(visit.statuses) == ["A", "r", "w", "z"]


def _kill_all_of(host: BundledHost) -> None:
    """Kill everything that knows of this host's folder."""
    mark = f"EDGECTL_HOST_ROOT={host.folder}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue
