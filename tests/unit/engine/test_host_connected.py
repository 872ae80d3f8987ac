"""What a host run tells of the way to its host, and how long it waits for it."""

from __future__ import annotations

from edgectl.engine.events import HostConnected, HostSaid, RunEvent
from edgectl.engine.host_run import run_host
from edgectl.engine.ports import HostWork, Patience, Timings
from tests.fakes.clock import FakeClock
from tests.fakes.connector import HELLO, LOST, REFUSED, FakeConnector, Visit, began, done, whole
from tests.fakes.fleet import a_host, a_job

NAME = "fra1-n01"


def _events(connector: FakeConnector, patience: Patience | None = None) -> list[RunEvent]:
    events: list[RunEvent] = []
    work = HostWork(a_host(NAME), a_job(changes=True), patience or Patience())
    run_host(work, connector, FakeClock(), events.append)
    return events


def test_each_login_is_told_with_what_it_took_before_the_host_says_a_word() -> None:
    visits: tuple[Visit, ...] = ([HELLO, began(1), LOST], [HELLO, done(2), *whole()[3:]])
    events = _events(FakeConnector({NAME: visits}, timings={NAME: Timings(0.04, 0.2, 0.039)}))

    told = [event for event in events if isinstance(event, HostConnected)]
    assert told == [HostConnected(NAME, 0.04, 0.2, 0.039)] * 2
    assert isinstance(events[events.index(told[0]) + 1], HostSaid)


def test_a_host_that_was_not_reached_has_no_times() -> None:
    connector = FakeConnector({NAME: (REFUSED,)}, timings={NAME: Timings(0.04, 0.2)})

    assert not any(isinstance(event, HostConnected) for event in _events(connector))


def test_where_there_is_no_way_there_is_nothing_to_tell() -> None:
    assert not any(isinstance(event, HostConnected) for event in _events(FakeConnector()))


def test_a_host_is_waited_for_as_its_work_says() -> None:
    connector = FakeConnector()
    _events(connector, Patience(connect_s=2.5))

    assert connector.within_s == {NAME: 2.5}
