"""What is probably not meant is said with its place, and nothing is said of what is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.errors import InputError
from edgectl.playbook.jobs import MAGIC
from edgectl.playbook.lint import advice
from edgectl.playbook.loader import read_playbook
from edgectl.playbook.model import Playbook
from edgectl.playbook.starting import starting_at
from edgectl.yaml_source import parse

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/lint.yaml").read_text())
SHIPPED = sorted((Path(__file__).parents[3] / "playbooks").glob("*.yaml"))


def playbook(tasks: str, handlers: str = "") -> Playbook:
    text = "- hosts: all\n  vars: {through: '{{ hidden }}'}\n  tasks:\n"
    text += "".join(f"  {line}\n" for line in tasks.splitlines())
    if handlers:
        text += "  handlers:\n" + "".join(f"  {line}\n" for line in handlers.splitlines())
    return read_playbook(parse(text, Path("p.yaml")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_advice_is_given_with_its_place(case: dict[str, Any]) -> None:
    found = advice(playbook(case["tasks"], case.get("handlers", "")), {*MAGIC, "known", "pw"})
    told = [str(problem).removeprefix("p.yaml:") for problem in found]
    assert told == case["said"]


STARTS = [("b: x", ["b: x", "c"]), ("a*", ["a", "b: x", "c"]), ("c", ["c"]), ("b: *", ["b: x", "c"])]


@pytest.mark.parametrize(("name", "left"), STARTS)
def test_a_playbook_starts_at_a_task(name: str, left: list[str]) -> None:
    tasks = "- {name: a, ping: }\n- {name: 'b: x', ping: }\n- {name: c, ping: }"
    (play,) = starting_at(playbook(tasks), name).plays
    assert [task.name for task in play.tasks if task.module == "ping"] == left


def test_a_task_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no task is named 'restrt'; did you mean 'restart'"):
        starting_at(playbook("- {name: restart, ping: }"), "restrt")
