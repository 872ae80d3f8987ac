"""What the runner imports at a host for the commonest jobs: time spent there is spent 20,000 times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.job import Job
from tests.fakes.fleet import a_job, a_task
from tests.remote.bundled import BundledHost, every_python, python

# Each of these brings others along and costs 1 to 7 ms of CPU; what is left of a start is about 20.
DEAR = {"argparse", "ast", "collections", "contextlib", "dataclasses", "enum", "functools", "glob", "hashlib"}
DEAR |= {"importlib", "inspect", "json", "pathlib", "re", "selectors", "shlex", "signal", "socket"}
DEAR |= {"subprocess", "tempfile", "threading", "traceback", "types", "typing", "urllib", "warnings"}

TASKS = {
    "copy": {"content": "x\n", "mode": "0640", "dest": "one"},
    "file": {"path": "two", "state": "directory", "mode": "0750"},
    "shell": {"cmd": "true"},
}


def imported(host: BundledHost, job: Job) -> set[str]:
    """Run a job under `-X importtime` and return every module that the runner and its children named."""
    host.login()
    link = host.folder / "programs/python3"
    link.unlink()
    link.write_text(f'#!/bin/sh\nexec {python(host.version)} -X importtime "$@"\n')
    link.chmod(0o755)
    visit = host.run(job)
    assert visit.end.status == "changed", visit
    told = visit.noise + host.journal(job).with_name("runner.log").read_text()
    return {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("version", every_python())
@pytest.mark.parametrize("module", list(TASKS))
def test_a_plain_job_imports_nothing_dear(tmp_path: Path, version: str, module: str) -> None:
    given: dict[str, Any] = dict(TASKS[module])
    for name in ("dest", "path"):
        if name in given:
            given[name] = str(tmp_path / given[name])

    found = imported(BundledHost(tmp_path, version), a_job([a_task(1, module, given)]))

    assert "edgectl.remote.runner" in found
    assert found & DEAR == set()
