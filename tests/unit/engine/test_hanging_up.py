"""A host that works on by itself is hung up on where others wait for its line, and visited again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from edgectl.engine.events import HostAttached, HostEnded, HostLost, HostSaid, RunEvent
from edgectl.engine.host_run import HostRun
from edgectl.engine.outcome import HostStatus
from edgectl.engine.ports import HostWork, Patience
from edgectl.remote.errands import Attach, Cancel, Errand
from edgectl.remote.protocol import ConfirmWanted, Ended, Heartbeat
from tests.fakes.clock import FakeClock
from tests.fakes.connector import (
    HELLO,
    LOST,
    REFUSED,
    FakeConnector,
    FakeSession,
    Step,
    Visit,
    began,
    done,
    whole,
)
from tests.fakes.fleet import a_host, a_job, a_task

NAME = "fra1-n01"
BEAT = Heartbeat(1, 5.0)
# A task has begun, and then there are only signs of life.
AT_WORK: list[Step] = [HELLO, began(1), 5.0, BEAT, 5.0, BEAT]
STILL_AT_WORK: list[Step] = [HELLO, 5.0, BEAT, 5.0, BEAT]


class Wanted:
    """A line that others wait for, and that may not rest."""

    def rest(self) -> bool:
        return False

    def stir(self) -> None: ...


class Visited:
    """A host run whose line others wait for, one visit after the other."""

    def __init__(
        self, *visits: Visit, errand: Errand | None = None, patience: Patience | None = None
    ) -> None:
        self.clock = FakeClock()
        self.connector = FakeConnector({NAME: visits}, self.clock)
        self.events: list[RunEvent] = []
        work = HostWork(a_host(NAME), errand or a_job(), patience or Patience())
        self._run = HostRun(work, self.connector, self.clock, self.events.append)

    def visit(self) -> float | None:
        return self._run.visit(Wanted())

    def to_its_end(self) -> list[float]:
        """Return the pauses between the visits."""
        pauses = []
        while (away_s := self.visit()) is not None:
            pauses.append(away_s)
            self.clock.turn(away_s)
        return pauses

    @property
    def sessions(self) -> Sequence[FakeSession]:
        return [visit for visit in self.connector.visits[NAME] if isinstance(visit, FakeSession)]

    @property
    def said(self) -> list[int]:
        said = [event.message.seq for event in self.events if isinstance(event, HostSaid)]
        return [seq for seq in said if seq]


def test_a_host_that_only_gives_signs_of_life_is_left_and_its_line_closed() -> None:
    visited = Visited(AT_WORK)

    assert visited.visit() is not None
    assert visited.sessions[0].is_closed
    assert visited.clock.seconds == 5.0


def test_what_happened_meanwhile_is_told_once_and_nothing_of_a_lost_line() -> None:
    visited = Visited(AT_WORK, STILL_AT_WORK, whole("changed"))
    visited.to_its_end()

    assert visited.said == [1, 2, 3]
    assert visited.connector.afters(NAME) == [0, 1, 1]
    assert not [event for event in visited.events if isinstance(event, HostLost | HostAttached)]
    (ended,) = [event.outcome for event in visited.events if isinstance(event, HostEnded)]
    assert (ended.status, [task.status for task in ended.tasks]) == (HostStatus.CHANGED, ["changed"])
    assert ended.seconds == round(visited.clock.seconds, 3)


def test_pauses_double_up_to_a_limit_and_begin_anew_with_news() -> None:
    news: Visit = [HELLO, done(2), began(3, 2), 5.0, BEAT]
    visited = Visited(AT_WORK, *[STILL_AT_WORK] * 6, news, [HELLO, done(4, 2), Ended("ok", seq=5)])
    pauses = visited.to_its_end()

    longest = [4, 8, 16, 30, 30, 30, 30, 4]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True))


def test_a_host_that_says_something_new_is_listened_to() -> None:
    busy: Visit = [HELLO, began(1), 1.0, BEAT, done(2), began(3, 2), 1.0, BEAT, done(4, 2), *whole()[-1:]]
    visited = Visited(busy)
    visited.visit()

    assert visited.said == [1, 2, 3, 4]


def test_nobody_is_hung_up_on_while_there_are_lines() -> None:
    connector = FakeConnector({NAME: ([*AT_WORK, *whole()[2:]],)}, clock := FakeClock())
    events: list[RunEvent] = []

    assert HostRun(HostWork(a_host(NAME), a_job()), connector, clock, events.append).visit() is None


WANTS_US: list[Errand] = [
    a_job(changes=False),
    a_job(secrets={"token": "s3cret"}),
    a_job([a_task(confirm_s=60.0)]),
    Cancel("R1", "me"),
]


@pytest.mark.parametrize("errand", WANTS_US, ids=["it reads", "secrets", "confirm", "cancel"])
def test_work_that_needs_us_keeps_its_line(errand: Errand) -> None:
    visited = Visited([*AT_WORK, *whole()[2:]], errand=errand)

    assert visited.visit() is None
    assert len(visited.sessions) == 1


def test_a_host_that_waits_for_a_fresh_login_keeps_its_line() -> None:
    wanted = ConfirmWanted(1, 60.0, seq=2)
    visited = Visited([HELLO, began(1), wanted], [HELLO, 5.0, BEAT, *whole()[2:]], errand=Attach("R1"))
    pauses = visited.to_its_end()

    assert len(pauses) == 1
    assert len(visited.sessions) == 2


def test_a_job_that_is_only_followed_may_be_left_too() -> None:
    assert Visited(AT_WORK, errand=Attach("R1")).visit() is not None


def test_we_are_back_well_before_the_deadline() -> None:
    for_hours: Visit = [HELLO, *[step for _ in range(99) for step in (5.0, BEAT)]]
    visited = Visited(AT_WORK, for_hours, patience=Patience(until=300.0))
    visits = []
    while (away_s := visited.visit()) is not None:
        visited.clock.turn(away_s)
        visits.append(visited.clock.seconds)

    assert visits[-1] <= 270.0
    assert len(visits) > 5


def test_no_host_is_left_where_the_deadline_is_near() -> None:
    visited = Visited([*AT_WORK, *whole()[2:]], patience=Patience(until=35.0))

    assert visited.visit() is None
    assert len(visited.sessions) == 1


def test_a_host_that_is_gone_when_we_come_back_is_waited_for_as_after_a_lost_line() -> None:
    visited = Visited(AT_WORK, REFUSED, whole("changed"))
    visited.to_its_end()

    assert [event.reason for event in visited.events if isinstance(event, HostLost)] == ["connection refused"]
    assert visited.said == [1, 2, 3]


def test_a_line_lost_hours_after_an_earlier_one_is_waited_for_anew_though_no_task_ended_meanwhile() -> None:
    hours: Visit = [HELLO, *[step for _ in range(60) for step in (60.0, BEAT)], LOST]
    connector = FakeConnector(
        {NAME: ([HELLO, began(1), LOST], hours, REFUSED, whole())}, clock := FakeClock()
    )
    events: list[RunEvent] = []
    run = HostRun(HostWork(a_host(NAME), a_job()), connector, clock, events.append)
    while (away_s := run.visit()) is not None:
        clock.turn(away_s)

    (ended,) = [event.outcome for event in events if isinstance(event, HostEnded)]
    assert ended.status is HostStatus.OK
