"""One host, under every fault a line can have; time is turned by hand."""

from __future__ import annotations

import pytest

from edgectl.engine.events import HostAttached, HostEnded, HostLost, HostSaid, HostStarted, RunEvent
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.host_run import run_host
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.ports import HostWork, Patience
from edgectl.remote.errands import Attach, Errand
from edgectl.remote.protocol import (
    Abandoned,
    Absent,
    Busy,
    ConfirmWanted,
    Ended,
    Heartbeat,
    Rebooting,
    Refused,
    TaskRetried,
)
from tests.fakes.clock import FakeClock
from tests.fakes.connector import HELLO, LOST, REFUSED, FakeConnector, FakeSession, Visit, began, done, whole
from tests.fakes.fleet import a_host, a_job

NAME = "fra1-n01"
COME_BACK_S = Patience().come_back_s


class Played:
    """A host run to its end, and what was heard of it."""

    def __init__(
        self,
        *visits: Visit,
        changes: bool = True,
        repeats: bool = False,
        errand: Errand | None = None,
        patience: Patience | None = None,
        begun: bool = False,
    ) -> None:
        self.clock = FakeClock()
        self.connector = FakeConnector({NAME: visits}, self.clock, repeats=repeats)
        self.events: list[RunEvent] = []
        job = errand or a_job(changes=changes)
        work = HostWork(a_host(NAME), job, patience or Patience(), begun=begun)
        run_host(work, self.connector, self.clock, self.events.append)

    @property
    def outcome(self) -> HostOutcome:
        (ended,) = (event.outcome for event in self.events if isinstance(event, HostEnded))
        return ended

    @property
    def said(self) -> list[int]:
        """The numbers of the events that were passed on."""
        said = [event.message for event in self.events if isinstance(event, HostSaid)]
        return [message.seq for message in said if message.seq]

    @property
    def losses(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, HostLost)]


@pytest.mark.parametrize("status", ["ok", "changed", "failed"])
def test_a_host_ends_as_its_runner_says(status: str) -> None:
    outcome = Played(whole(status, "why")).outcome

    assert (outcome.status, outcome.reason) == (HostStatus(status), "why")
    assert [task.status for task in outcome.tasks] == [status]


def test_events_come_in_order_and_the_session_is_closed() -> None:
    played = Played(whole())

    assert isinstance(played.events[0], HostStarted)
    assert isinstance(played.events[-1], HostEnded)
    assert played.said == [1, 2, 3]
    (session,) = played.connector.visits[NAME]
    assert isinstance(session, FakeSession)
    assert session.is_closed


AT_THE_DOOR = [
    (FaultKind.DNS, HostStatus.UNREACHABLE),
    (FaultKind.REFUSED, HostStatus.UNREACHABLE),
    (FaultKind.TIMEOUT, HostStatus.UNREACHABLE),
    (FaultKind.HOST_KEY, HostStatus.UNREACHABLE),
    (FaultKind.AUTH, HostStatus.UNREACHABLE),
    (FaultKind.BASTION, HostStatus.UNREACHABLE),
    (FaultKind.NO_PYTHON, HostStatus.FAILED),
    (FaultKind.SUDO, HostStatus.FAILED),
]


@pytest.mark.parametrize(("kind", "status"), AT_THE_DOOR)
def test_a_host_that_never_began_is_tried_once_and_says_why(kind: FaultKind, status: HostStatus) -> None:
    played = Played(HostFault(kind, "why", hint="what to do"))

    assert (played.outcome.status, played.outcome.reason) == (status, "why")
    assert played.outcome.hint == "what to do"
    assert len(played.connector.visits[NAME]) == 1
    assert played.clock.naps == []


def test_a_host_that_an_earlier_controller_began_is_waited_for_while_it_boots() -> None:
    played = Played(REFUSED, REFUSED, whole("changed"), begun=True)

    assert played.outcome.status is HostStatus.CHANGED
    assert played.losses == ["connection refused"]


def test_a_host_that_an_earlier_controller_began_and_that_stays_away_is_unknown() -> None:
    played = Played(*[REFUSED] * 99, begun=True)

    assert played.outcome.status is HostStatus.UNKNOWN
    assert played.outcome.reason == "it was begun before, and now: connection refused"
    assert sum(played.clock.naps) >= COME_BACK_S


def test_a_lost_line_is_taken_up_after_the_last_event_and_none_is_told_twice() -> None:
    played = Played([HELLO, began(1), LOST], REFUSED, whole("changed"))

    assert played.outcome.status is HostStatus.CHANGED
    assert played.connector.afters(NAME) == [0, 1]
    assert played.said == [1, 2, 3]
    assert played.losses == ["reset by peer"]


def test_a_host_that_repeats_events_anyway_is_heard_once() -> None:
    played = Played([HELLO, began(1), done(2), LOST], whole(), repeats=True)

    assert played.said == [1, 2, 3]


def test_a_host_that_stays_away_is_unknown_after_the_deadline() -> None:
    played = Played([HELLO, began(1), LOST], REFUSED)

    assert played.outcome.status is HostStatus.UNKNOWN
    assert "line lost in 'task 1': connection refused" in played.outcome.reason
    assert played.outcome.hint == "edgectl runs attach R1"
    assert COME_BACK_S <= played.clock.seconds < COME_BACK_S + 10.1


def test_pauses_grow_so_that_a_sick_host_is_not_hammered() -> None:
    naps = Played([HELLO, LOST], REFUSED).clock.naps

    longest = [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert all(most / 2 <= nap <= most for nap, most in zip(naps, longest, strict=False))
    assert max(naps) <= 10.0


def test_each_progress_starts_the_deadline_anew() -> None:
    def limping(seq: int) -> Visit:
        return [HELLO, began(seq), LOST]

    visits = [visit for seq in range(1, 30) for visit in (limping(seq), REFUSED, REFUSED, REFUSED)]
    played = Played(*visits, [HELLO, Ended("ok", seq=30)])

    assert played.outcome.status is HostStatus.OK
    assert played.clock.seconds > COME_BACK_S


def test_a_line_lost_before_the_greeting_may_have_delivered_the_job() -> None:
    played = Played([LOST], whole("changed"))

    assert played.outcome.status is HostStatus.CHANGED
    assert Played([LOST], REFUSED).outcome.status is HostStatus.UNKNOWN


@pytest.mark.parametrize("visit", [[LOST], [HELLO, began(1), LOST]])
def test_a_job_that_only_reads_is_unreachable_where_its_line_is_lost(visit: Visit) -> None:
    played = Played(visit, changes=False)

    assert played.outcome.status is HostStatus.UNREACHABLE
    assert len(played.connector.visits[NAME]) == 1


@pytest.mark.parametrize("kind", [FaultKind.BASTION, FaultKind.DNS, FaultKind.HANDSHAKE, FaultKind.PROTOCOL])
def test_whatever_may_pass_is_waited_for_once_work_has_begun(kind: FaultKind) -> None:
    played = Played([HELLO, began(1), LOST], HostFault(kind, "for a moment"), whole())

    assert played.outcome.status is HostStatus.OK


@pytest.mark.parametrize("kind", [FaultKind.HOST_KEY, FaultKind.AUTH, FaultKind.KEY_FILE])
def test_a_refusal_is_never_tried_again_even_then(kind: FaultKind) -> None:
    played = Played([HELLO, began(1), LOST], HostFault(kind, "refused"))

    assert played.outcome.status is HostStatus.UNKNOWN
    assert len(played.connector.visits[NAME]) == 2


def _rebooting(seq: int, timeout_s: float = 600.0) -> Rebooting:
    return Rebooting(1, "boot-1", timeout_s, seq=seq)


def test_a_host_is_waited_for_as_long_as_its_reboot_may_take() -> None:
    away = [REFUSED] * 40
    played = Played(
        [HELLO, began(1), _rebooting(2)], *away, [HELLO, done(3, status="changed"), Ended("changed", seq=4)]
    )

    assert played.outcome.status is HostStatus.CHANGED
    assert played.clock.seconds > COME_BACK_S
    assert played.losses == []


def test_a_login_that_a_booting_host_refuses_is_tried_again() -> None:
    refused = HostFault(FaultKind.AUTH, "System is booting up")
    back: Visit = [HELLO, done(3, status="changed"), Ended("changed", seq=4)]
    played = Played([HELLO, began(1), _rebooting(2)], refused, refused, back)

    assert played.outcome.status is HostStatus.CHANGED


def test_a_host_that_does_not_come_back_from_its_reboot_is_unknown() -> None:
    played = Played([HELLO, began(1), _rebooting(2)], REFUSED)

    assert played.outcome.status is HostStatus.UNKNOWN
    assert 600 <= played.clock.seconds < 611


def test_a_reboot_long_after_a_lost_line_has_its_full_time() -> None:
    hours_later: Visit = [HELLO, began(2), 7200.0, _rebooting(3)]
    played = Played([HELLO, began(1), LOST], hours_later, REFUSED, [HELLO, Ended("changed", seq=4)])

    assert played.outcome.status is HostStatus.CHANGED


def test_a_line_lost_after_a_reboot_is_told_again() -> None:
    played = Played(
        [HELLO, began(1), _rebooting(2)],
        [HELLO, done(3), began(4), LOST],
        [HELLO, Ended("ok", seq=5)],
    )

    assert played.losses == ["reset by peer"]


def test_a_busy_host_says_who_holds_it() -> None:
    outcome = Played([HELLO, Busy({"run": "R9", "by": "ci from build-7"})]).outcome

    assert outcome.status is HostStatus.BUSY
    assert outcome.reason == "held by ci from build-7, run R9"


def test_a_busy_host_says_in_which_task_and_since_when_where_it_can() -> None:
    holder = {"run": "R9", "by": "ci", "task": "packages", "held_s": 95.2}

    assert Played([HELLO, Busy(holder)]).outcome.reason == "held by ci, run R9, in 'packages', for 0:01:35"


def test_a_refused_job_is_a_failure_with_the_hosts_reason() -> None:
    outcome = Played([HELLO, Refused("cannot write the journal")]).outcome

    assert (outcome.status, outcome.reason) == (HostStatus.FAILED, "cannot write the journal")


def test_heartbeats_and_retries_are_passed_on_and_change_nothing() -> None:
    beat, again = Heartbeat(1, 5.0), TaskRetried(1, 1, "not yet", 2)
    visit: Visit = [HELLO, began(1), beat, again, done(3), Ended("ok", seq=4)]

    assert Played(visit).outcome.status is HostStatus.OK


def test_of_many_signs_of_life_one_in_thirty_seconds_is_told() -> None:
    beats: Visit = [
        HELLO,
        began(1),
        *[step for _ in range(13) for step in (5.0, Heartbeat(1, 5.0))],
        *whole()[2:],
    ]
    played = Played(beats)
    told = [event for event in played.events if isinstance(event, HostSaid)]

    assert sum(isinstance(event.message, Heartbeat) for event in told) == 3
    assert played.outcome.status is HostStatus.OK


MUTE = HostFault(FaultKind.SILENT, "no answer within 30 s")


def test_a_login_that_says_nothing_may_have_begun_the_job_and_is_asked_once_more() -> None:
    assert Played([MUTE], whole("changed")).outcome.status is HostStatus.CHANGED
    silent = Played([MUTE])

    assert (silent.outcome.status, silent.outcome.hint) == (HostStatus.UNKNOWN, "edgectl runs attach R1")
    assert len(silent.connector.visits[NAME]) == 2


def test_a_line_that_is_found_again_is_told_with_how_long_it_was_away() -> None:
    played = Played([HELLO, began(1), LOST], REFUSED, REFUSED, whole())
    (found,) = [event for event in played.events if isinstance(event, HostAttached)]

    assert (found.after, found.away_s) == (1, round(played.clock.seconds, 1))


def test_hosts_come_back_at_times_of_their_own() -> None:
    naps = []
    for name in ("a", "b"):
        clock = FakeClock()
        connector = FakeConnector({name: [[HELLO, LOST], REFUSED]}, clock)
        run_host(HostWork(a_host(name), a_job()), connector, clock, lambda _event: None)
        naps.append(clock.naps[:5])

    assert naps[0] != naps[1]


def test_a_busy_host_is_waited_for_where_somebody_has_the_patience() -> None:
    busy: Visit = [HELLO, Busy({"run": "R9"})]
    free = Played(busy, busy, busy, whole("changed"), patience=Patience(busy_s=300))
    never = Played(busy, patience=Patience(busy_s=60))

    assert free.outcome.status is HostStatus.CHANGED
    assert never.outcome.status is HostStatus.BUSY
    assert 60 <= never.clock.seconds < 71


def test_the_runs_deadline_ends_every_wait() -> None:
    played = Played([HELLO, began(1), LOST], REFUSED, patience=Patience(until=30.0))

    assert played.outcome.status is HostStatus.UNKNOWN
    assert 30 <= played.clock.seconds < 41


def test_a_job_that_is_only_looked_for_is_told_as_it_is_found() -> None:
    attach = Attach("R1")

    assert Played([HELLO, Absent()], errand=attach).outcome.status is HostStatus.NOT_RUN
    gone = Played([HELLO, began(1), Abandoned("task 1")], errand=attach).outcome
    assert (gone.status, gone.hint) == (HostStatus.UNKNOWN, "edgectl runs resume R1")
    assert "'task 1'" in gone.reason
    assert Played(whole("changed"), errand=attach).outcome.status is HostStatus.CHANGED


def test_a_job_whose_host_reboots_for_it_is_not_taken_for_abandoned() -> None:
    going: Visit = [HELLO, began(1), _rebooting(2), Abandoned("task 1")]
    back: Visit = [HELLO, done(3, status="changed"), Ended("changed", seq=4)]

    assert Played(going, [HELLO, Abandoned("task 1")], back, errand=Attach("R1")).outcome.status == "changed"


def test_a_change_is_confirmed_by_a_fresh_login_and_by_no_other() -> None:
    wanted = ConfirmWanted(1, 120.0, seq=2)
    played = Played([HELLO, began(1), wanted], REFUSED, whole("changed"))

    assert played.outcome.status is HostStatus.CHANGED
    assert played.connector.fresh == [False, True, True]
    last = played.connector.visits[NAME][-1]
    assert isinstance(last, FakeSession)
    assert last.confirmed == [1]


@pytest.mark.parametrize("kind", [FaultKind.AUTH, FaultKind.REFUSED, FaultKind.HOST_KEY])
def test_a_change_that_cut_us_off_is_waited_out_until_it_is_undone(kind: FaultKind) -> None:
    cut_off = HostFault(kind, "no way in")
    undone: Visit = [HELLO, done(3, status="failed"), Ended("failed", "task 1", "undone", 4)]
    played = Played([HELLO, began(1), ConfirmWanted(1, 40.0, seq=2)], *[cut_off] * 9, undone)

    assert (played.outcome.status, played.outcome.reason) == (HostStatus.FAILED, "undone")
    assert played.connector.fresh[-1] is False


class _Panic(BaseException):
    """What a Rust extension raises: no Exception."""


@pytest.mark.parametrize("bug", [RuntimeError("oops"), _Panic("oops")], ids=["exception", "panic"])
def test_a_bug_on_our_side_becomes_the_hosts_outcome(bug: BaseException) -> None:
    before = Played(bug).outcome
    after = Played([HELLO, began(1), bug]).outcome

    assert (before.status, after.status) == (HostStatus.FAILED, HostStatus.UNKNOWN)
    assert "a bug in edgectl" in before.reason
    assert "oops" in before.reason
