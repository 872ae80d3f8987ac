"""Compiles a playbook's text for one host, or hears why that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.errors import InputError
from edgectl.playbook.compile import Options
from edgectl.playbook.jobs import Compiler, stages
from edgectl.playbook.loader import read_playbook
from edgectl.remote.job import Job, Task
from edgectl.yaml_source import parse
from tests.fakes.fleet import a_host


def job_of(
    text: str,
    *,
    at: Path = Path("play.yaml"),
    options: Options | None = None,
    groups: Any = None,
    **variables: Any,
) -> Job:
    playbook = read_playbook(parse(text, at))
    host = a_host("fra1-n01", variables=variables)
    secrets = {name: "s3cret" for play in playbook.plays for name in play.secrets}
    compiler = Compiler(playbook, "R1", options or Options(), secrets, groups or {}, "ci")
    ((stage, _),) = stages([(play, [host]) for play in playbook.plays])
    return compiler.job(host, stage, {})


def tasks_of(text: str, **more: Any) -> list[Task]:
    job = job_of(f"- hosts: all\n  gather_facts: false\n{text}", **more)
    return [task for task in job.plays[0].tasks if task.module != "flush"]


def refusal_of(text: str, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        tasks_of(text, **more)
    return str(caught.value)
