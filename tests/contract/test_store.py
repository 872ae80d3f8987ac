"""The store on each database: an Observer that writes runs down, a RunHistory that reads them back, the freezes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edgectl.engine.events import HostEnded, HostStarted, RunEnded, RunEvent, RunStarted
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.engine.records import Freezes, JobRecord, RunHistory
from edgectl.store.database import open_database
from edgectl.store.freezes import SqlFreezes
from edgectl.store.history import History
from edgectl.store.recorder import Recorder
from edgectl.store.tables import hosts
from tests.fakes import postgres as postgres_cluster
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


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if postgres_cluster.missing():
        pytest.skip(postgres_cluster.missing())
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'edgectl[postgres]'")
    with postgres_cluster.cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/deep/state.db"
    else:
        url = postgres_cluster.new_schema(request.getfixturevalue("postgres"))
    opened = Store(url)
    yield opened
    opened.close()


TASK = TaskRecord("copy it", "copy", TaskStatus.CHANGED, 0.5, {"changed": True, "diff": {"after": "ü\n"}})
OK = HostOutcome("fra1-n01", "fra1", HostStatus.OK, seconds=1.5, tasks=(TASK,))
FAILED = HostOutcome("fra1-n02", "fra1", HostStatus.FAILED, "no space", "copy it", 2.0, (TASK,), "free some")
NOT_RUN = HostOutcome("gru1-n01", "gru1", HostStatus.NOT_RUN, "not started: max_failed")


def _outcomes(store: Store, run: str = "01A") -> list[HostOutcome]:
    return [host.outcome for host in store.history().hosts(run)]


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
    assert _outcomes(store) == [OK, FAILED, NOT_RUN]


def test_a_run_that_was_cut_off_keeps_what_was_known(store: Store) -> None:
    _recorded(store, _began(), HostEnded(OK))

    (record,) = store.history().runs(10)
    assert record.finished is None
    assert record.counts == {"hosts": 3}
    assert _outcomes(store) == [OK]


def test_two_stages_of_a_host_are_kept_as_one(store: Store) -> None:
    changed = replace(OK, status=HostStatus.CHANGED)
    _recorded(store, _began(), HostEnded(changed), HostEnded(OK))

    (host,) = _outcomes(store)
    assert (host.status, host.seconds, len(host.tasks)) == (HostStatus.CHANGED, 3.0, 2)


def test_a_host_whose_later_plays_did_not_start_is_kept_as_the_run_ended_it(store: Store) -> None:
    undone = replace(OK, status=HostStatus.NOT_RUN, reason="not started: interrupted")
    _recorded(store, _began(), HostEnded(OK), _ended(undone))

    assert _outcomes(store) == [undone]


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


def test_a_row_of_a_newer_edgectl_does_not_break_an_older_one(store: Store) -> None:
    _recorded(store, _began(), HostEnded(OK))
    rested = {"name": "t", "module": "rest", "status": "rested", "seconds": 1, "result": {}}
    with store.engine().begin() as connection:
        connection.execute(
            sa.update(hosts).values(status="resting", tasks=[rested], jobs=[[0, 0, False, "ok", "more"]])
        )

    (host,) = store.history().hosts("01A")
    assert (host.outcome.status, host.outcome.tasks) == (HostStatus.UNKNOWN, ())
    assert host.jobs == (JobRecord(0, 0, ended="ok"),)
