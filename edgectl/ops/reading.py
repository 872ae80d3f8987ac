"""What can be told of a playbook without contacting a host: is it well, what would it do, where, with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgectl.engine.ports import HostWork
from edgectl.errors import ExitCode, Problem
from edgectl.inventory.fold import folded
from edgectl.ops.docs import list_modules
from edgectl.ops.rollout import Request, compiled
from edgectl.ops.services import Services
from edgectl.playbook.jobs import MAGIC
from edgectl.playbook.lint import advice
from edgectl.playbook.loader import load_playbook
from edgectl.playbook.model import Playbook
from edgectl.remote.job import FLUSH, Job, Task
from edgectl.report import Check, Line, Report, Table, Tone


def check_syntax(services: Services, path: Path, request: Request) -> Report:
    """Compile a playbook for every host it is for, and tell what is probably not meant.

    Raises `InputError` with every complaint about what cannot be run.
    """
    playbook = load_playbook(path)
    work = _work(services, playbook, request)
    found = advice(playbook, _names(services, request))
    hosts = {one.host.name for one in work}
    said = f"{_counted(len(hosts), 'host')}, {_counted(len(_tasks(work)), 'task')}: it can be run"
    body = [*(Line(str(problem), Tone.NOTICE) for problem in found), Line(said, Tone.GOOD)]
    checks = [
        *(Check("lint", str(problem.place), "warning", problem.message) for problem in found),
        Check("syntax", str(path), "ok", said),
    ]
    data = {"advice": [_as_data(problem) for problem in found]}
    return _report("run --syntax-check", services, data, body, checks)


def list_tasks(services: Services, path: Path, request: Request) -> Report:
    """List the tasks that a run would go through, each once, with the number of hosts it is for and its place."""
    tasks = _tasks(_work(services, load_playbook(path), request))
    rows = [[name, module, f"{count:,}", place] for (name, module, place), count in tasks.items()]
    data = [
        {"name": name, "module": module, "hosts": count, "place": place}
        for (name, module, place), count in tasks.items()
    ]
    table = Table(["task", "module", ">hosts", "where"], rows)
    return _report("run --list-tasks", services, {"tasks": data}, [table])


def list_hosts(services: Services, path: Path, request: Request) -> Report:
    """List the hosts that a run would be for."""
    work = _work(services, load_playbook(path), request)
    names = list(dict.fromkeys(one.host.name for one in work))
    body = [Line(folded(names)), Line(_counted(len(names), "host"))]
    return _report("run --list-hosts", services, {"hosts": names}, body)


def list_modules_of(services: Services, path: Path, _request: Request) -> Report:
    """List the modules that a playbook may use, those beside it among them."""
    load_playbook(path)
    return list_modules(services.clock.now())


def _work(services: Services, playbook: Playbook, request: Request) -> list[HostWork]:
    """Compile a playbook without its secrets: nothing will be run."""
    unknown = {name: "" for play in playbook.plays for name in play.secrets}
    return [one for stage in compiled(services, playbook, request, "", unknown) for one in stage]


def _tasks(work: list[HostWork]) -> dict[tuple[str, str, str], int]:
    """Return each task with the number of hosts that have it, in the order in which it is met."""
    found: dict[tuple[str, str, str], int] = {}
    for task in (task for one in work for task in _of_job(one)):
        key = (task.name, task.module, task.place)
        found[key] = found.get(key, 0) + 1
    return found


def _of_job(work: HostWork) -> Iterator[Task]:
    if isinstance(work.errand, Job):
        yield from (task for play in work.errand.plays for task in play.tasks if task.module != FLUSH)


def _names(services: Services, request: Request) -> set[str]:
    """Return every name that some host has a value for before a run."""
    of_hosts = {name for host in services.fleet.hosts.values() for name in host.vars}
    decided = {name for values in request.host_vars.values() for name in values}
    return {*MAGIC, *of_hosts, *decided, *request.options.extra_vars}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _as_data(problem: Problem) -> Mapping[str, Any]:
    return {"message": problem.message, "place": str(problem.place)}


def _report(
    command: str,
    services: Services,
    data: Mapping[str, Any],
    body: Sequence[Line | Table],
    checks: Sequence[Check] = (),
) -> Report:
    now = services.clock.now()
    return Report(command, now, 0.0, ExitCode.DONE, data=data, body=body, checks=checks)
