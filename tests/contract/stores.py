"""A store as controllers use it one after the other, and the events of a small run."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from edgectl.engine.events import (
    RunEnded,
    RunEvent,
    RunStarted,
)
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.engine.records import (
    Freezes,
    RunHistory,
)
from edgectl.store.database import open_database
from edgectl.store.freezes import SqlFreezes
from edgectl.store.history import History
from edgectl.store.recorder import Recorder
from tests.fakes.clock import START, FakeClock


class Store:
    """One controller after the other on one database, each with connections of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = FakeClock()

    def recorder(self) -> Recorder:
        return Recorder(self.engine(), self.clock)

    def history(self) -> RunHistory:
        return History(self.engine())

    def freezes(self) -> Freezes:
        return SqlFreezes(self.engine())

    def engine(self) -> sa.Engine:
        engine = open_database(self.url)
        self._engines.append(engine)
        return engine

    @functools.cached_property
    def _engines(self) -> list[sa.Engine]:
        return []

    def close(self) -> None:
        for engine in self._engines:
            engine.dispose()


TASK = TaskRecord("copy it", "copy", TaskStatus.CHANGED, 0.5, {"changed": True, "diff": {"after": "ü\n"}})
OK = HostOutcome("fra1-n01", "fra1", HostStatus.OK, seconds=1.5, tasks=(TASK,))
FAILED = HostOutcome("fra1-n02", "fra1", HostStatus.FAILED, "no space", "copy it", 2.0, (TASK,), "free some")
NOT_RUN = HostOutcome("gru1-n01", "gru1", HostStatus.NOT_RUN, "not started: max_failed")


def outcomes(store: Store, run: str = "01A") -> list[HostOutcome]:
    return [host.outcome for host in store.history().hosts(run)]


def began(run: str = "01A", **more: Any) -> RunStarted:
    names = [OK.host, FAILED.host, NOT_RUN.host]
    return replace(RunStarted(run, "run", names, START, "ci from build-7", {"playbook": "p.yaml"}), **more)


def ended(*ended: HostOutcome, run: str = "01A", stopped: str = "") -> RunEnded:
    return RunEnded(RunOutcome(run, ended, 9.0, stopped), START + timedelta(seconds=9))


def recorded(store: Store, *events: RunEvent) -> None:
    recorder = store.recorder()
    for event in events:
        recorder.on_event(event)
