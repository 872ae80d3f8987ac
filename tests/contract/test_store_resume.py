"""The store on each database: what it takes to follow, continue and stop a run, and the freezes of the fleet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from edgectl.engine.events import (
    HostDeferred,
    HostEnded,
    HostSaid,
    HostStarted,
    RunEvent,
)
from edgectl.engine.outcome import HostStatus
from edgectl.engine.records import (
    NO_END,
    Freeze,
    HostRecord,
    JobRecord,
    Manifest,
    Origin,
    PlannedJob,
)
from edgectl.engine.resume import differences
from edgectl.errors import MissingError
from edgectl.remote.protocol import Ended, Hello, Message, TaskEnded
from edgectl.store.database import migrate
from edgectl.store.tables import METADATA
from tests.contract.stores import FAILED, OK, Store, began, ended, recorded
from tests.fakes.clock import START

JOBS = {
    OK.host: (PlannedJob(0, "a" * 64), PlannedJob(1, "b" * 64, become=True)),
    FAILED.host: (PlannedJob(0),),
}
MANIFEST = Manifest(
    JOBS,
    digest="d" * 64,
    playbook="e" * 64,
    origin=Origin(("run", "--", "p.yaml"), "/work", "/inventory"),
    pops={OK.host: "fra1", FAILED.host: "fra1"},
    zones={"fra1": "Europe/Berlin"},
    changes=True,
    journaled=True,
)
SINGLE = replace(MANIFEST, jobs={OK.host: (PlannedJob(0),)})
OBSERVES = replace(SINGLE, digest="", observes=True)
STARTED = HostStarted(OK.host)


def _said(message: Message) -> HostSaid:
    return HostSaid(OK.host, message)


def _host(store: Store, name: str = OK.host) -> HostRecord:
    return next(host for host in store.history().hosts("01A") if host.outcome.host == name)


def test_a_host_is_on_record_from_its_start(store: Store) -> None:
    recorded(store, began(manifest=MANIFEST), STARTED)

    host = _host(store)
    assert (host.outcome.status, host.outcome.reason) == (HostStatus.UNKNOWN, NO_END)
    assert host.outcome.hint == "edgectl runs attach 01A"
    assert (host.started, host.ended, host.is_open) == (START, None, True)
    assert host.jobs == (JobRecord(0),)
    assert [entry.text for entry in host.timeline] == ["connecting"]
    assert [record.run for record in store.history().unfinished()] == ["01A"]


def test_a_host_of_a_run_that_leaves_no_journal_is_on_record_when_it_ends(store: Store) -> None:
    recorded(store, began(manifest=replace(MANIFEST, journaled=False)), STARTED)

    assert store.history().hosts("01A") == []


def test_what_a_run_is_made_of_is_read_back(store: Store) -> None:
    recorded(store, began(manifest=MANIFEST))

    found = store.history().manifest("01A")
    assert found is not None
    assert differences(found, MANIFEST) == ()
    assert found.digest == MANIFEST.digest
    assert found.zones == MANIFEST.zones
    assert [(job.stage, job.become) for job in found.jobs[OK.host]] == [(0, False), (1, True)]
    record = store.history().find("01A")
    assert record is not None
    assert (record.origin, record.changes) == (MANIFEST.origin, True)
    assert store.history().manifest("01Z") is None


def test_a_host_between_two_stages_has_not_run_to_its_end(store: Store) -> None:
    recorded(store, began(manifest=MANIFEST), STARTED, _said(Ended("ok", seq=3)), HostEnded(OK))

    host = _host(store)
    assert (host.outcome.status, host.jobs) == (HostStatus.NOT_RUN, (JobRecord(0, ended="ok"),))
    assert host.outcome.reason == "its later plays were not started; its earlier ones ended as ok"


def test_the_second_stage_of_a_host_is_its_end(store: Store) -> None:
    changed = replace(OK, status=HostStatus.CHANGED)
    both: list[RunEvent] = [STARTED, _said(Ended("ok", seq=3)), HostEnded(OK)]
    both += [STARTED, _said(Ended("changed", seq=4)), HostEnded(changed)]
    recorded(store, began(manifest=MANIFEST), *both)

    host = _host(store)
    assert (host.outcome.status, len(host.outcome.tasks)) == (HostStatus.CHANGED, 2)
    assert host.jobs == (JobRecord(0, ended="ok"), JobRecord(1, become=True, ended="changed"))


def test_a_host_that_was_deferred_and_comes_back_is_in_the_same_stage(store: Store) -> None:
    away = HostDeferred(OK.host, HostStatus.UNREACHABLE, "no route", 30.0)
    recorded(store, began(manifest=MANIFEST), STARTED, away)
    assert (_host(store).outcome.status, _host(store).is_open) == (HostStatus.UNREACHABLE, False)

    recorded(store, began(manifest=MANIFEST), STARTED, away, STARTED, HostEnded(OK))
    assert _host(store).jobs == (JobRecord(0),)


def test_an_end_that_could_not_be_journaled_is_none(store: Store) -> None:
    broken = replace(OK, status=HostStatus.FAILED, reason="no space")
    recorded(store, began(manifest=MANIFEST), STARTED, _said(Ended("failed", seq=0)), HostEnded(broken))

    assert _host(store).jobs == (JobRecord(0),)


def test_a_run_taken_up_again_keeps_what_was_known_and_forgets_its_end(store: Store) -> None:
    said: list[RunEvent] = [
        STARTED,
        _said(Hello("3", "b", "root")),
        _said(TaskEnded(1, "t", "copy", "ok", 0.1, {}, seq=1)),
    ]
    recorded(store, began(manifest=MANIFEST), *said)
    store.clock.turn(60)
    again = replace(MANIFEST, origin=Origin(("else",)))
    recorded(store, began(manifest=again, started_by="ops"), *said, HostEnded(OK))

    record = store.history().find("01A")
    assert record is not None
    assert (record.finished, record.started_by, record.origin) == (None, "ci from build-7", MANIFEST.origin)
    assert [entry.text for entry in _host(store).timeline][:3] == [
        "connecting",
        "continued by ops: connected in 0 ms",
        "t",
    ]


def test_a_host_that_was_begun_and_not_come_to_again_stays_unknown(store: Store) -> None:
    recorded(store, began(manifest=MANIFEST), STARTED)
    undone = replace(OK, status=HostStatus.NOT_RUN, reason="not started: frozen by ops", tasks=())
    recorded(store, began(manifest=MANIFEST), ended(undone, FAILED, stopped="frozen by ops"))

    assert _host(store).is_open
    (record,) = store.history().runs(1)
    assert record.counts == {"hosts": 2, "unknown": 1, "failed": 1}


def test_following_a_run_writes_how_it_ended_and_nothing_else(store: Store) -> None:
    recorded(store, began(manifest=SINGLE), STARTED)
    recorded(
        store,
        began(command="runs attach", started_by="ops", hosts=[OK.host], manifest=OBSERVES),
        STARTED,
        _said(Ended("ok", seq=3)),
        HostEnded(OK),
        ended(OK),
    )

    (record,) = store.history().runs(1)
    assert (record.command, record.finished, record.counts) == ("run", None, {"hosts": 3, "ok": 1})
    assert (_host(store).outcome, _host(store).jobs) == (OK, (JobRecord(0, ended="ok"),))


def test_following_the_last_host_of_a_run_ends_it(store: Store) -> None:
    recorded(store, began(hosts=[OK.host], manifest=SINGLE), STARTED)
    store.clock.turn(9)
    follow: list[RunEvent] = [
        began(manifest=OBSERVES),
        STARTED,
        _said(Ended("ok", seq=3)),
        HostEnded(OK),
        ended(OK),
    ]
    recorded(store, *follow)

    (record,) = store.history().runs(1)
    assert record.finished == START + timedelta(seconds=9)


def test_following_the_first_stage_of_a_host_is_not_its_end(store: Store) -> None:
    recorded(store, began(hosts=[OK.host], manifest=MANIFEST), STARTED)
    follow: list[RunEvent] = [_said(Ended("ok", seq=3)), HostEnded(OK), ended(OK)]
    recorded(store, began(manifest=OBSERVES), STARTED, *follow)

    (record,) = store.history().runs(1)
    assert (record.finished, record.counts) == (None, {"hosts": 1, "not_run": 1})
    assert _host(store).outcome.status is HostStatus.NOT_RUN


def test_a_run_with_nothing_left_to_do_keeps_its_end(store: Store) -> None:
    recorded(store, began(hosts=[OK.host], manifest=SINGLE), STARTED, HostEnded(OK), ended(OK))
    store.clock.turn(60)
    later = replace(ended(OK), at=store.clock.now())
    recorded(store, began(hosts=[OK.host], manifest=SINGLE), later)

    (record,) = store.history().runs(1)
    assert record.finished == START + timedelta(seconds=9)
    assert record.counts == {"hosts": 1, "ok": 1}


def test_a_store_that_does_not_answer_any_more_says_so(store: Store) -> None:
    with store.engine().begin() as connection:
        connection.execute(sa.text("DROP TABLE freezes"))

    with pytest.raises(MissingError, match="cannot read the state store"):
        store.freezes().in_force(START)


def test_a_cancelled_run_says_by_whom_until_it_is_resumed(store: Store) -> None:
    recorded(store, began(manifest=MANIFEST), STARTED)
    store.history().cancel("01A", "ops from desk")
    recorded(store, began(manifest=OBSERVES))
    assert store.history().runs(1)[0].cancelled == "ops from desk"

    recorded(store, began(manifest=MANIFEST))
    assert store.history().runs(1)[0].cancelled == ""


def test_pruning_keeps_what_may_go_on(store: Store) -> None:
    recorded(store, began("01A"), HostEnded(OK), ended(OK, run="01A"))
    recorded(store, began("01B"))
    recorded(store, began("01C"), ended(run="01C", stopped="frozen by ops until it is lifted: a storm"))
    recorded(store, began("01D"), ended(run="01D", stopped="3 hosts failed"))

    assert store.history().prune(START) == 0
    assert store.history().prune(START + timedelta(days=1)) == 2
    assert [record.run for record in store.history().runs(9)] == ["01C", "01B"]
    assert store.history().hosts("01A") == []


def test_a_freeze_is_in_force_until_its_end_or_until_it_is_lifted(store: Store) -> None:
    freezes, cet = store.freezes(), timezone(timedelta(hours=1))
    short = Freeze("sale", "ops", START, (START + timedelta(hours=1)).astimezone(cet))
    endless = Freeze("storm", "ci", START)
    freezes.add(short)
    freezes.add(endless)

    assert list(freezes.in_force(START)) == [endless, short]
    assert list(freezes.in_force(START + timedelta(hours=1))) == [endless]
    assert freezes.lift("ops", START) == 2
    assert list(freezes.in_force(START)) == []
    assert freezes.lift("ops", START) == 0


def test_a_store_of_the_first_edgectl_is_upgraded_with_its_runs(store: Store) -> None:
    engine = sa.create_engine(store.url)
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).parent.mkdir()
    with engine.begin() as connection:
        migrate(connection, "0001")
        connection.execute(
            sa.text("INSERT INTO runs VALUES ('01A', 'run', :at, NULL, 'ci', '', '{}', '{\"hosts\": 1}')"),
            {"at": "2026-11-23 09:00:00.000000"},
        )
        connection.execute(
            sa.text("INSERT INTO run_hosts VALUES ('01A', 'n01', 'fra1', 'ok', '', NULL, '', 1.5, '[]')")
        )
    engine.dispose()

    (record,) = store.history().runs(9)
    assert (record.run, record.origin, record.changes) == ("01A", Origin(), False)
    (host,) = store.history().hosts("01A")
    assert (host.outcome.status, host.is_open, host.timeline) == (HostStatus.OK, False, ())
    with store.engine().connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
