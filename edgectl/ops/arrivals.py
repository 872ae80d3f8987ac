"""Files that `fetch` brings: written here as they come, and only where the playbook said before any host was asked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgectl.engine.events import HostSaid, RunEvent
from edgectl.engine.outcome import RunOutcome
from edgectl.errors import MissingError
from edgectl.ops.rollout import Prepared
from edgectl.ops.services import Services
from edgectl.remote.job import Job, Task
from edgectl.remote.protocol import TaskEnded
from edgectl.report import Line

_MODULE = "fetch"


class Arrivals:
    """An observer that writes what a host sends, if it is one of the files that were asked of it."""

    def __init__(self, prepared: Prepared) -> None:
        self._expected: dict[str, set[str]] = defaultdict(set)
        for stage in prepared.plan.stages:
            for work in stage:
                if not isinstance(work.errand, Job):
                    continue
                tasks = (task for play in work.errand.plays for task in (*play.tasks, *play.handlers))
                self._expected[work.host.name] |= {path for task in tasks for path in _landings(task)}
        self._from: dict[str, str] = {}
        self._new = 0

    def on_event(self, event: RunEvent) -> None:
        """Write a file that has come."""
        match event:
            case HostSaid(host=host, message=TaskEnded(module="fetch", result=result)):
                for one in _brought(result):
                    self._keep(host, one)
            case _:
                pass

    def _keep(self, host: str, result: Mapping[str, Any]) -> None:
        path = str(result["dest"])
        if path not in self._expected[host]:
            return
        try:
            content = base64.b64decode(str(result["content"]), validate=True)
        except binascii.Error:
            return  # a secret in it was struck out: `told` says that the file is not here
        digest = _digest(content)
        if digest != result["checksum"] or self._from.setdefault(path, host) != host:
            return  # another host's is there: `told` compares the two
        if _digest_of_file(Path(path)) != digest:
            _write(Path(path), content)
            self._new += 1

    def told(self, outcome: RunOutcome) -> list[Line]:
        """Return what came. Raises `MissingError` for files that were read at a host and are not here.

        Of a file that was brought twice the later content counts.
        """
        wanted = [
            (host.host, one)
            for host in outcome.hosts
            for task in host.tasks
            if task.module == _MODULE
            for one in _brought(task.result)
        ]
        latest = {(host, str(one["dest"])): str(one["checksum"]) for host, one in wanted}
        lost = [
            (host, path)
            for (host, path), checksum in latest.items()
            if path in self._expected[host] and _digest_of_file(Path(path)) != checksum
        ]
        self._refuse_clashes(lost)
        if lost:
            named = ", ".join(f"{host}: {path}" for host, path in lost[:3])
            raise MissingError(
                f"{len(lost)} fetched files are not here, or hold a secret and were not sent: {named}",
                hint="run it again",
            )
        if not wanted:
            return []
        return [Line(f"{len(wanted)} files fetched, {self._new} of them new")]

    def _refuse_clashes(self, lost: list[tuple[str, str]]) -> None:
        clashes = [(host, path) for host, path in lost if self._from.get(path, host) != host]
        for host, path in clashes[:1]:
            raise MissingError(
                f"{len(clashes)} fetched files are not here, since another host's went to the same place: "
                f"{path} is {self._from[path]}'s, not {host}'s",
                hint="leave 'flat' out, or have 'dest' name {{ inventory_hostname }}",
            )


def with_arrivals(services: Services, arrivals: Arrivals) -> Services:
    """Return the services with one more observer."""
    return replace(services, observers=(*services.observers, arrivals))


def _landings(task: Task) -> Iterator[str]:
    """Yield where a task's file goes, or that of each item of its loop."""
    if task.module == _MODULE:
        yield from (str(sent["local"]) for sent in task.by_src.values() or [task.args])


def _brought(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in result.get("results", [result]):
        if "content" in one and "dest" in one and "checksum" in one:
            yield one


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _digest_of_file(path: Path) -> str:
    try:
        return _digest(path.read_bytes())
    except OSError:
        return ""


def _write(path: Path, content: bytes) -> None:
    """Write beside and rename: a reader never sees half a file. What cannot be written, `told` finds missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(content)
        beside.replace(path)
    except OSError:
        return
