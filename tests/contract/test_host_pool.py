"""The HostPool port: one suite, on the fake and on every pool."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing

import pytest

from edgectl.clock import SystemClock
from edgectl.engine.events import HostEnded, HostSaid, HostStarted, RunEvent
from edgectl.engine.ports import Connector, HostPool, HostWork, NextWork, Pause
from edgectl.inventory.model import Host
from edgectl.pools.dask import DaskPool
from edgectl.pools.processes import ProcessPool
from edgectl.pools.threads import ThreadPool
from tests.dask_cluster import Cluster, cluster
from tests.fakes.clock import FakeClock
from tests.fakes.connector import FakeConnector, FakeSession
from tests.fakes.fleet import a_host, work_for
from tests.fakes.pool import InlinePool
from tests.fakes.scripts import all_well, n3_refuses, two_bugs

WIDTH = 4
MakePool = Callable[[Callable[[], Connector]], HostPool]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers of a Dask scheduler."""
    with cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture(params=["inline", "threads", "processes", "dask"])
def pool(request: pytest.FixtureRequest) -> Iterator[MakePool]:
    """Make a pool that has room for four hosts; a pool of workers has two of them."""
    with ExitStack() as opened:

        def make(connector: Callable[[], Connector]) -> HostPool:
            match request.param:
                case "inline":
                    return InlinePool(connector(), FakeClock())
                case "threads":
                    return ThreadPool(connector(), FakeClock(), WIDTH)
                case "processes":
                    workers = ProcessPool(connector, SystemClock(), workers=2, width=WIDTH // 2)
                    return opened.enter_context(closing(workers))
                case _:
                    address = request.getfixturevalue("dask").address
                    crew = DaskPool(address, connector, SystemClock(), width=WIDTH // 2)
                    return opened.enter_context(closing(crew))

        yield make


def _work(count: int) -> list[HostWork]:
    return work_for([a_host(f"n{number}") for number in range(count)])


def _each(work: Iterable[HostWork]) -> NextWork:
    waiting = iter(work)
    return lambda: next(waiting, None)


def _of(event: RunEvent) -> str:
    if isinstance(event, HostEnded):
        return event.outcome.host
    assert isinstance(event, HostStarted | HostSaid)
    return event.host


def test_every_host_starts_once_ends_once_and_is_told_in_order(pool: MakePool) -> None:
    told: dict[str, list[RunEvent]] = defaultdict(list)
    pool(n3_refuses).run(_each(_work(20)), lambda event: told[_of(event)].append(event), hosts=20)

    assert set(told) == {f"n{number}" for number in range(20)}
    for events in told.values():
        kinds = [type(event) for event in events]
        assert kinds[0] is HostStarted
        assert kinds[-1] is HostEnded
        assert kinds.count(HostEnded) == 1
        seqs = [event.message.seq for event in events if isinstance(event, HostSaid)]
        assert seqs == sorted(seqs)


def test_events_arrive_in_the_callers_thread(pool: MakePool) -> None:
    threads = set()
    pool(all_well).run(_each(_work(5)), lambda _event: threads.add(threading.get_ident()), hosts=5)

    assert threads == {threading.get_ident()}


def test_no_work_is_no_waiting(pool: MakePool) -> None:
    pool(all_well).run(_each([]), lambda _event: pytest.fail("nothing can happen"), hosts=0)


def test_work_is_asked_for_only_where_there_is_room(pool: MakePool) -> None:
    """A budget stops new hosts at once only if nobody took them in advance."""
    asked, ended = 0, 0

    def work() -> Iterator[HostWork]:
        nonlocal asked
        for item in _work(30):
            assert asked - ended < WIDTH
            asked += 1
            yield item

    def on_event(event: RunEvent) -> None:
        nonlocal ended
        ended += isinstance(event, HostEnded)

    pool(all_well).run(_each(work()), on_event, hosts=30)

    assert (asked, ended) == (30, 30)


def test_work_that_ends_early_leaves_nobody_running(pool: MakePool) -> None:
    started: list[str] = []
    ended: list[str] = []

    def work() -> Iterator[HostWork]:
        for item in _work(30):
            if len(ended) >= 3:
                return
            yield item

    def on_event(event: RunEvent) -> None:
        if isinstance(event, HostStarted):
            started.append(event.host)
        elif isinstance(event, HostEnded):
            ended.append(event.outcome.host)

    pool(all_well).run(_each(work()), on_event, hosts=30)

    assert sorted(ended) == sorted(started)
    assert len(ended) < 30


def test_a_pause_is_waited_for_where_nothing_runs_and_work_is_asked_for_again(pool: MakePool) -> None:
    answers: list[HostWork | Pause | None] = [Pause(0.01), *_work(1), Pause(0.01), Pause(0.01), None]
    ended: list[str] = []

    def on_event(event: RunEvent) -> None:
        if isinstance(event, HostEnded):
            ended.append(event.outcome.host)

    pool(all_well).run(lambda: answers.pop(0), on_event)

    assert (ended, answers) == (["n0"], [])


def test_a_pause_ends_with_the_next_host_that_does(pool: MakePool) -> None:
    """A budget that is full has room as soon as a host has ended, however long the pause was to be."""
    waiting, ended, asked = _work(6), 0, 0

    def one_at_a_time() -> HostWork | Pause | None:
        nonlocal asked
        if asked > ended:
            return Pause(3600)
        asked += 1
        return waiting.pop(0) if waiting else None

    def on_event(event: RunEvent) -> None:
        nonlocal ended
        ended += isinstance(event, HostEnded)

    pool(all_well).run(one_at_a_time, on_event, hosts=6)

    assert ended == 6


def test_none_is_the_last_word(pool: MakePool) -> None:
    answers: list[HostWork | Pause | None] = [*_work(2), None]

    pool(all_well).run(lambda: answers.pop(0), lambda _event: None, hosts=2)

    assert answers == []


def test_what_the_caller_raises_comes_back_to_the_caller(pool: MakePool) -> None:
    def on_event(_event: RunEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool(all_well).run(_each(_work(3)), on_event, hosts=3)


def test_a_host_that_dies_of_a_bug_ends_and_the_run_goes_on(pool: MakePool) -> None:
    ended: dict[str, str] = {}

    def on_event(event: RunEvent) -> None:
        if isinstance(event, HostEnded):
            ended[event.outcome.host] = event.outcome.status

    pool(two_bugs).run(_each(_work(3)), on_event, hosts=3)

    assert ended == {"n0": "ok", "n1": "failed", "n2": "unknown"}


def test_a_pool_serves_one_run_after_the_other(pool: MakePool) -> None:
    """A run has stages, and asks the hosts of a wave for its gate."""
    opened, ended = pool(all_well), 0

    def on_event(event: RunEvent) -> None:
        nonlocal ended
        ended += isinstance(event, HostEnded)

    for _ in range(3):
        opened.run(_each(_work(3)), on_event, hosts=3)

    assert ended == 9


def test_threads_work_on_as_many_hosts_at_once_as_the_pool_is_wide() -> None:
    together = threading.Barrier(WIDTH, timeout=20)

    class Meeting(FakeConnector):
        def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> FakeSession:
            together.wait()
            return super().connect(host, fresh=fresh, within_s=within_s)

    ended: list[RunEvent] = []
    ThreadPool(Meeting(), FakeClock(), WIDTH).run(_each(_work(2 * WIDTH)), ended.append)

    assert sum(isinstance(event, HostEnded) for event in ended) == 2 * WIDTH
