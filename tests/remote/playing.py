"""A playbook file as the job of one host, to be run through the real bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgectl.playbook.compile import Options
from edgectl.playbook.jobs import Compiler, stages
from edgectl.playbook.loader import load_playbook
from edgectl.remote.job import Job
from tests.fakes.fleet import a_host

SECRET = "s3cret/ word+%"  # every way to write it differs


def job_of(path: Path, run: str = "R1", options: Options | None = None, **variables: Any) -> Job:
    """Compile a playbook of one stage."""
    playbook = load_playbook(path)
    secrets = {name: SECRET for play in playbook.plays for name in play.secrets}
    compiler = Compiler(playbook, run, options or Options(), secrets, {}, "ci")
    host = a_host("fra1-n01", variables=variables)
    ((stage, _),) = stages([(play, [host]) for play in playbook.plays])
    return compiler.job(host, stage, {})
