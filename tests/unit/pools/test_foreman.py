"""Who gets which host, and what becomes of hosts whose worker dies; workers are lists here."""

from __future__ import annotations

from collections import defaultdict

import pytest

from edgectl.engine.events import HostEnded, HostSaid, HostStarted, RunEvent
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.ports import HostWork, Pause
from edgectl.pools.foreman import Foreman
from edgectl.pools.handed import MOST_LOSSES
from edgectl.pools.placement import Place, choose
from edgectl.pools.shift import Asked, Heard
from edgectl.remote.protocol import Ended, Heartbeat
from tests.fakes.clock import FakeClock
from tests.fakes.connector import HELLO, began, done
from tests.fakes.fleet import a_host, a_pop, work_for

OK = HostStatus.OK


class Yard:
    """A foreman, with workers that do nothing by themselves."""

    def __init__(self, *answers: HostWork | Pause) -> None:
        self.clock = FakeClock()
        self.given: dict[str, list[HostWork]] = defaultdict(list)
        self.told: list[RunEvent] = []
        self.asked = 0
        self._answers = list(answers)
        self.foreman = Foreman(self._next, self.told.append, self._give, self.clock, most_unasked=2)

    def _next(self) -> HostWork | Pause | None:
        self.asked += 1
        return self._answers.pop(0) if self._answers else None

    def _give(self, worker: str, work: HostWork) -> None:
        self.given[worker].append(work)

    def ask(self, *workers: str) -> None:
        for worker in workers:
            self.foreman.hear(worker, Asked())
        self.foreman.hand_out()

    def names(self, worker: str) -> list[str]:
        return [work.host.name for work in self.given[worker]]


def hosts(*names: str, region: str = "") -> list[HostWork]:
    return work_for([a_host(name, pop=a_pop(region=region)) for name in names])


def end_of(name: str) -> HostEnded:
    return HostEnded(HostOutcome(name, "fra1", OK, seconds=1.0))


def test_nobody_asks_for_work_before_a_worker_has_room() -> None:
    yard = Yard(*hosts("a", "b"))
    yard.foreman.join("w1")
    yard.foreman.hand_out()

    assert yard.asked == 0
    yard.ask("w1")
    assert (yard.asked, yard.names("w1")) == (1, ["a"])


def test_a_worker_gets_one_host_for_each_time_it_asks() -> None:
    yard = Yard(*hosts("a", "b", "c"))
    yard.foreman.join("w1")
    yard.foreman.join("w2")
    yard.ask("w1", "w2")
    yard.ask("w2")

    assert (yard.names("w1"), yard.names("w2")) == (["a"], ["b", "c"])


def test_a_pause_is_waited_for_and_asked_about_again() -> None:
    yard = Yard(Pause(7), *hosts("a"))
    yard.foreman.join("w1")
    yard.ask("w1")

    assert yard.foreman.wait_s() == 7
    yard.foreman.hand_out()
    assert yard.names("w1") == ["a"]


def test_it_is_over_when_there_is_no_more_work_and_every_host_has_ended() -> None:
    yard = Yard(*hosts("a"))
    yard.foreman.join("w1")
    yard.ask("w1")
    yard.ask("w1")
    assert not yard.foreman.is_over()
    yard.foreman.hear("w1", Heard([HostStarted("a"), end_of("a")]))

    assert yard.foreman.is_over()
    assert yard.told == [HostStarted("a"), end_of("a")]


def test_the_hosts_of_a_worker_that_dies_are_come_back_to_by_another_one() -> None:
    yard = Yard(*hosts("a", "b"))
    yard.foreman.join("w1")
    yard.foreman.join("w2")
    yard.ask("w1", "w2")
    yard.foreman.lose("w1")
    yard.ask("w2")

    assert yard.names("w2") == ["b", "a"]
    assert [work.begun for work in yard.given["w2"]] == [False, True]


def test_what_was_told_before_a_worker_died_is_not_told_again() -> None:
    yard = Yard(*hosts("a"))
    yard.foreman.join("w1")
    yard.foreman.join("w2")
    yard.ask("w1")
    first: list[RunEvent] = [
        HostStarted("a"),
        HostSaid("a", HELLO),
        HostSaid("a", began(1)),
        HostSaid("a", done(2)),
    ]
    yard.foreman.hear("w1", Heard(first))
    yard.foreman.lose("w1")
    yard.ask("w2")
    yard.clock.turn(60)
    rest: list[RunEvent] = [HostSaid("a", Ended("ok", seq=3)), end_of("a")]
    yard.foreman.hear("w2", Heard([*first, *rest]))

    said = [event.message.seq for event in yard.told if isinstance(event, HostSaid) and event.message.seq]
    assert said == [1, 2, 3]
    assert [type(event) for event in yard.told].count(HostStarted) == 1
    (ended,) = [event.outcome for event in yard.told if isinstance(event, HostEnded)]
    assert ended.seconds == 60.0, "the time of both workers"


def test_a_worker_that_was_given_up_is_not_listened_to() -> None:
    yard = Yard(*hosts("a"))
    yard.foreman.join("w1")
    yard.foreman.join("w2")
    yard.ask("w1")
    yard.foreman.lose("w1")
    yard.ask("w2")
    yard.foreman.hear("w1", Heard([HostStarted("a"), end_of("a")]))

    assert yard.told == []
    assert not yard.foreman.is_over()


def test_a_host_that_ends_every_worker_is_given_up_and_the_run_goes_on() -> None:
    yard = Yard(*hosts("a", "b"))
    for number in range(MOST_LOSSES):
        yard.foreman.join(f"w{number}")
        yard.ask(f"w{number}")
        yard.foreman.lose(f"w{number}")
    yard.foreman.join("last")
    yard.ask("last")

    (ended,) = [event.outcome for event in yard.told if isinstance(event, HostEnded)]
    assert (ended.host, ended.status) == ("a", HostStatus.UNKNOWN)
    assert "3 workers" in ended.reason
    assert yard.names("last") == ["b"]


def test_signs_of_life_are_told_every_time() -> None:
    yard = Yard(*hosts("a"))
    yard.foreman.join("w1")
    yard.ask("w1")
    beat = HostSaid("a", Heartbeat(1, 5.0))
    yard.foreman.hear("w1", Heard([beat, beat]))

    assert yard.told == [beat, beat]


FREE, NEAR = Place(asks=True), Place(frozenset({"eu"}), asks=True)
PLACES = [
    ("near and free", {"far": FREE, "near": NEAR}, "near"),
    ("near and full", {"far": FREE, "near": Place(frozenset({"eu"}))}, "near"),
    ("near and overfull", {"far": FREE, "near": Place(frozenset({"eu"}), unasked=2)}, "far"),
    (
        "the emptier of two full ones",
        {
            "far": FREE,
            "fuller": Place(frozenset({"eu"}), unasked=1),
            "near": Place(frozenset({"eu"})),
        },
        "near",
    ),
    ("nobody near, one for no region", {"us": Place(frozenset({"us"}), asks=True), "any": FREE}, "any"),
    ("nobody near, one for another", {"us": Place(frozenset({"us"}), asks=True), "x": Place()}, "us"),
]


@pytest.mark.parametrize(
    ("places", "chosen"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES]
)
def test_a_host_goes_where_its_region_is_driven_from(places: dict[str, Place], chosen: str) -> None:
    assert choose("eu", places, most_unasked=2) == chosen


def test_a_host_without_a_region_goes_to_whoever_asks() -> None:
    assert choose("", {"near": Place(), "any": FREE}, most_unasked=2) == "any"
