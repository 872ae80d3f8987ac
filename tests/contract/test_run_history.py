"""The store: an Observer that writes runs down, and a RunHistory that reads them back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa

from edgectl.engine.events import HostEnded, HostStarted, RunEnded, RunEvent, RunStarted
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.engine.ports import Observer, RunHistory
from edgectl.store.database import open_database
from edgectl.store.history import History
from edgectl.store.recorder import Recorder
from edgectl.store.tables import hosts
from tests.fakes.clock import START
from tests.fakes.observers import MemoryHistory


class Store(Protocol):
    """A new recorder for each run, over one memory of all of them."""

    def recorder(self) -> Observer: ...
    def history(self) -> RunHistory: ...


class _InMemory:
    def __init__(self) -> None:
        self._kept = MemoryHistory()

    def recorder(self) -> Observer:
        return self._kept

    def history(self) -> RunHistory:
        return self._kept


class _Sql:
    def __init__(self, url: str) -> None:
        self._url = url

    def recorder(self) -> Observer:
        return Recorder(open_database(self._url))

    def history(self) -> RunHistory:
        return History(open_database(self._url))


@pytest.fixture(params=["fake", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return _InMemory() if request.param == "fake" else _Sql(f"sqlite:///{tmp_path}/deep/state.db")


TASK = TaskRecord("copy it", "copy", TaskStatus.CHANGED, 0.5, {"changed": True, "diff": {"after": "ü\n"}})
OK = HostOutcome("fra1-n01", "fra1", HostStatus.OK, seconds=1.5, tasks=(TASK,))
FAILED = HostOutcome("fra1-n02", "fra1", HostStatus.FAILED, "no space", "copy it", 2.0, (TASK,), "free some")
NOT_RUN = HostOutcome("gru1-n01", "gru1", HostStatus.NOT_RUN, "not started: max_failed")


def _began(run: str = "01A", **more: Any) -> RunStarted:
    names = [OK.host, FAILED.host, NOT_RUN.host]
    return replace(RunStarted(run, "run", names, START, "ci from build-7", {"playbook": "p.yaml"}), **more)


def _ended(*ended: HostOutcome, run: str = "01A", stopped: str = "") -> RunEnded:
    return RunEnded(RunOutcome(run, ended, 9.0, stopped), START + timedelta(seconds=9))


def _recorded(store: Store, *events: RunEvent) -> None:
    recorder = store.recorder()
    for event in events:
        recorder.on_event(event)


def test_a_run_is_read_back_as_it_was(store: Store) -> None:
    _recorded(
        store,
        _began(),
        HostStarted(OK.host),
        HostEnded(OK),
        HostEnded(FAILED),
        _ended(OK, FAILED, NOT_RUN, stopped="1 hosts failed"),
    )

    (record,) = store.history().runs(10)
    assert (record.run, record.command, record.started_by) == ("01A", "run", "ci from build-7")
    assert record.finished is not None
    assert (record.started, record.finished - record.started) == (START, timedelta(seconds=9))
    assert (record.stopped, record.arguments) == ("1 hosts failed", {"playbook": "p.yaml"})
    assert record.counts == {"hosts": 3, "ok": 1, "failed": 1, "not_run": 1}
    assert list(store.history().hosts("01A")) == [OK, FAILED, NOT_RUN]


def test_a_run_that_was_cut_off_keeps_what_was_known(store: Store) -> None:
    _recorded(store, _began(), HostEnded(OK))

    (record,) = store.history().runs(10)
    assert record.finished is None
    assert record.counts == {"hosts": 3}
    assert list(store.history().hosts("01A")) == [OK]


def test_two_stages_of_a_host_are_kept_as_one(store: Store) -> None:
    changed = replace(OK, status=HostStatus.CHANGED)
    _recorded(store, _began(), HostEnded(changed), HostEnded(OK))

    (host,) = store.history().hosts("01A")
    assert (host.status, host.seconds, len(host.tasks)) == (HostStatus.CHANGED, 3.0, 2)


def test_a_host_whose_later_plays_did_not_start_is_kept_as_the_run_ended_it(store: Store) -> None:
    undone = replace(OK, status=HostStatus.NOT_RUN, reason="not started: interrupted")
    _recorded(store, _began(), HostEnded(OK), _ended(undone))

    assert list(store.history().hosts("01A")) == [undone]


def test_the_latest_runs_come_first(store: Store) -> None:
    for run in ("01A", "01C", "01B"):
        _recorded(store, _began(run), _ended(run=run))

    assert [record.run for record in store.history().runs(2)] == ["01C", "01B"]


@pytest.mark.parametrize(
    ("word", "found"), [("01A1", "01A1"), ("01B", "01B1"), ("01", None), ("02", None), ("01%", None)]
)
def test_a_run_is_found_by_the_beginning_of_its_id(store: Store, word: str, found: str | None) -> None:
    for run in ("01A1", "01A2", "01B1"):
        _recorded(store, _began(run))

    record = store.history().find(word)
    assert (record.run if record else None) == found


def test_a_run_nobody_knows_has_no_hosts(store: Store) -> None:
    assert list(store.history().hosts("01Z")) == []


def test_a_row_of_a_newer_edgectl_does_not_break_an_older_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    _recorded(_Sql(url), _began(), HostEnded(OK))
    engine = open_database(url)
    rested = {"name": "t", "module": "rest", "status": "rested", "seconds": 1, "result": {}}
    with engine.begin() as connection:
        connection.execute(sa.update(hosts).values(status="resting", tasks=[rested]))

    (host,) = History(engine).hosts("01A")
    assert (host.status, host.tasks) == (HostStatus.UNKNOWN, ())
