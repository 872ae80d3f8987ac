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
from edgectl.engine.outcome import RunOutcome, exit_code
from edgectl.errors import ExitCode
from edgectl.ops.rollout import Prepared
from edgectl.ops.services import Services
from edgectl.remote.job import Job, Task
from edgectl.remote.protocol import TaskEnded
from edgectl.report import Line, Tone

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
        self._new: set[str] = set()

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
            return  # a secret in it was struck out: `lost` has the file
        digest = _digest(content)
        if digest != result["checksum"] or self._from.setdefault(path, host) != host:
            return  # another host's is there: `lost` compares the two
        if _digest_of_file(Path(path)) != digest:
            _write(Path(path), content)
            self._new.add(path)

    def told(self, outcome: RunOutcome) -> list[Line]:
        """Return what came, and what was read at a host and is not here."""
        wanted = self._wanted(outcome)
        if not wanted:
            return []
        lost = self._lost(outcome)
        lines = [
            Line(f"  not here, since {self._reason(host, path)}: {host}: {path}", Tone.BAD)
            for host, path in lost
        ]
        return [Line(f"{len(wanted) - len(lost)} files fetched, {len(self._new)} of them new"), *lines]

    def lost(self, outcome: RunOutcome) -> list[str]:
        """Return the files that hosts sent and that are not here as they were there."""
        return [f"{host}: {path}" for host, path in self._lost(outcome)]

    def _lost(self, outcome: RunOutcome) -> list[tuple[str, str]]:
        wanted = self._wanted(outcome).items()
        return [(host, path) for (host, path), sha1 in wanted if _digest_of_file(Path(path)) != sha1]

    def _reason(self, host: str, path: str) -> str:
        first = self._from.get(path, host)
        if first != host:
            return f"that of {first} went to the same place (leave out 'flat', or name the host in 'dest')"
        return "it cannot be written, or holds a secret"

    def _wanted(self, outcome: RunOutcome) -> dict[tuple[str, str], str]:
        """Return host and place of each file with its digest; of one that was brought twice the later counts."""
        return {
            (host.host, str(one["dest"])): str(one["checksum"])
            for host in outcome.hosts
            for task in host.tasks
            for one in (_brought(task.result) if task.module == _MODULE else ())
            if one["dest"] in self._expected[host.host]
        }


def code_with(arrivals: Arrivals, outcome: RunOutcome) -> ExitCode:
    """Return what a run came to: one that is fine at its hosts lacks something where a file is not here."""
    code = exit_code(outcome)
    return ExitCode.MISSING if code is ExitCode.DONE and arrivals.lost(outcome) else code


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
    """Write beside and rename: a reader never sees half a file. What cannot be written is `lost`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.write_bytes(content)
        beside.replace(path)
    except OSError:
        return
