"""Few lines, many hosts: who listens to whom, and when."""

from __future__ import annotations

from collections.abc import Iterable

from edgectl.engine.events import HostEnded, HostStarted, RunEvent
from edgectl.engine.outcome import HostStatus
from edgectl.engine.ports import HostWork, NextWork, Pause
from edgectl.pools.threads import ThreadPool
from tests.fakes.fast_clock import FastClock
from tests.fakes.fleet import a_host, work_for
from tests.fakes.working import WorkingHosts

WIDTH = 3
# A host that was quiet and says something new takes part again, whether there is room or not.
WITH_RESTING = 6 * WIDTH


def _work(count: int) -> list[HostWork]:
    return work_for([a_host(f"n{number:02}") for number in range(count)])


def _each(work: Iterable[HostWork | Pause]) -> NextWork:
    waiting = iter(work)
    return lambda: next(waiting, None)


def _run(hosts: WorkingHosts, clock: FastClock, work: Iterable[HostWork | Pause]) -> list[RunEvent]:
    events: list[RunEvent] = []
    ThreadPool(hosts, clock, WIDTH).run(_each(work), events.append)
    return events


def test_many_more_hosts_work_than_there_are_lines_to_listen_on() -> None:
    """None of them ends before the last one has begun: without hanging up nobody ever would."""
    clock = FastClock(500)
    hosts = WorkingHosts(clock, lambda hosts: len(hosts.visits) == 40)
    events = _run(hosts, clock, _work(40))

    assert [type(event) for event in events].count(HostStarted) == 40
    ended = [event.outcome for event in events if isinstance(event, HostEnded)]
    assert [outcome.status for outcome in ended] == [HostStatus.CHANGED] * 40
    assert len({outcome.host for outcome in ended}) == 40
    assert hosts.most_at_once <= WITH_RESTING


def test_lines_on_which_nothing_happens_stay_open_and_make_room_for_new_hosts() -> None:
    clock = FastClock(500)
    hosts = WorkingHosts(clock, lambda hosts: len(hosts.visits) == 12)
    _run(hosts, clock, _work(12))

    assert set(hosts.visits.values()) == {1}


def test_where_there_are_lines_enough_nobody_is_visited_twice() -> None:
    clock = FastClock(500)
    hosts = WorkingHosts(clock, lambda hosts: hosts.beats > 20)
    _run(hosts, clock, _work(WIDTH - 1))

    assert set(hosts.visits.values()) == {1}


def test_while_a_budget_lets_nobody_start_nobody_is_hung_up_on() -> None:
    clock = FastClock(500)
    hosts = WorkingHosts(clock, lambda hosts: hosts.beats > 20)
    _run(hosts, clock, [*_work(WIDTH - 1), *[Pause(1)] * 3])

    assert set(hosts.visits.values()) == {1}


def test_hosts_that_are_due_and_new_ones_get_a_free_line_in_turn() -> None:
    """New hosts alone would leave the failures of those before unheard of, and a budget with them."""
    clock = FastClock(500)
    hosts = WorkingHosts(clock, lambda hosts: len(hosts.visits) == 40)
    events = _run(hosts, clock, _work(40))

    started = [event.host for event in events if isinstance(event, HostStarted)]
    assert len(started) == 40
    assert sum(hosts.visits.values()) > 50, "hosts were visited again while new ones began"
