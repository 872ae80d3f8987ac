"""The store on each database: an Observer that writes runs down, a RunHistory that reads them back, the freezes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from edgectl.engine.events import (
    HostEnded,
    HostStarted,
)
from edgectl.engine.outcome import HostStatus
from edgectl.engine.records import (
    JobRecord,
)
from edgectl.store.tables import hosts
from tests.contract.stores import FAILED, NOT_RUN, OK, Store, began, ended, outcomes, recorded
from tests.fakes.clock import START


def test_a_run_is_read_back_as_it_was(store: Store) -> None:
    recorded(
        store,
        began(),
        HostStarted(OK.host),
        HostEnded(OK),
        HostEnded(FAILED),
        ended(OK, FAILED, NOT_RUN, stopped="1 hosts failed"),
    )

    (record,) = store.history().runs(10)
    assert (record.run, record.command, record.started_by) == ("01A", "run", "ci from build-7")
    assert record.finished is not None
    assert (record.started, record.finished - record.started) == (START, timedelta(seconds=9))
    assert (record.stopped, record.arguments) == ("1 hosts failed", {"playbook": "p.yaml"})
    assert record.counts == {"hosts": 3, "ok": 1, "failed": 1, "not_run": 1}
    assert outcomes(store) == [OK, FAILED, NOT_RUN]


def test_a_run_that_was_cut_off_keeps_what_was_known(store: Store) -> None:
    recorded(store, began(), HostEnded(OK))

    (record,) = store.history().runs(10)
    assert record.finished is None
    assert record.counts == {"hosts": 3}
    assert outcomes(store) == [OK]


def test_two_stages_of_a_host_are_kept_as_one(store: Store) -> None:
    changed = replace(OK, status=HostStatus.CHANGED)
    recorded(store, began(), HostEnded(changed), HostEnded(OK))

    (host,) = outcomes(store)
    assert (host.status, host.seconds, len(host.tasks)) == (HostStatus.CHANGED, 3.0, 2)


def test_a_host_whose_later_plays_did_not_start_is_kept_as_the_run_ended_it(store: Store) -> None:
    undone = replace(OK, status=HostStatus.NOT_RUN, reason="not started: interrupted")
    recorded(store, began(), HostEnded(OK), ended(undone))

    assert outcomes(store) == [undone]


def test_the_latest_runs_come_first(store: Store) -> None:
    for run in ("01A", "01C", "01B"):
        recorded(store, began(run), ended(run=run))

    assert [record.run for record in store.history().runs(2)] == ["01C", "01B"]


@pytest.mark.parametrize(
    ("word", "found"), [("01A1", "01A1"), ("01B", "01B1"), ("01", None), ("02", None), ("01%", None)]
)
def test_a_run_is_found_by_the_beginning_of_its_id(store: Store, word: str, found: str | None) -> None:
    for run in ("01A1", "01A2", "01B1"):
        recorded(store, began(run))

    record = store.history().find(word)
    assert (record.run if record else None) == found


def test_a_run_nobody_knows_has_no_hosts(store: Store) -> None:
    assert list(store.history().hosts("01Z")) == []


def test_a_row_of_a_newer_edgectl_does_not_break_an_older_one(store: Store) -> None:
    recorded(store, began(), HostEnded(OK))
    rested = {"name": "t", "module": "rest", "status": "rested", "seconds": 1, "result": {}}
    with store.engine().begin() as connection:
        connection.execute(
            sa.update(hosts).values(status="resting", tasks=[rested], jobs=[[0, 0, False, "ok", "more"]])
        )

    (host,) = store.history().hosts("01A")
    assert (host.outcome.status, host.outcome.tasks) == (HostStatus.UNKNOWN, ())
    assert host.jobs == (JobRecord(0, 0, ended="ok"),)
