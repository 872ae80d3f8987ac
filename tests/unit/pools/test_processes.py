"""Workers that never come to work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from edgectl.clock import SystemClock
from edgectl.engine.events import HostEnded, RunEvent
from edgectl.errors import MissingError
from edgectl.pools.processes import ProcessPool
from tests.fakes.fleet import a_host, work_for
from tests.fakes.scripts import all_well, broken, broken_but_once


def run(pool: ProcessPool, count: int, meanwhile: Callable[[], None] = lambda: None) -> list[RunEvent]:
    work = iter(work_for([a_host(f"n{number}") for number in range(count)]))
    events: list[RunEvent] = []

    def on_event(event: RunEvent) -> None:
        events.append(event)
        meanwhile()

    pool.run(lambda: next(work, None), on_event, hosts=count)
    return events


def test_a_worker_that_ends_before_it_began_is_told_with_its_exit_code() -> None:
    with (
        closing(ProcessPool(broken, SystemClock(), workers=2, width=2)) as pool,
        pytest.raises(MissingError) as told,
    ):
        run(pool, 4)

    assert "ended before it began, with exit code 1" in str(told.value)


def test_one_worker_is_enough_to_go_on_with(tmp_path: Path) -> None:
    make = partial(broken_but_once, tmp_path)
    with closing(ProcessPool(make, SystemClock(), workers=2, width=2)) as pool:
        events = run(pool, 6, (tmp_path / "begun").touch)

    assert sum(isinstance(event, HostEnded) for event in events) == 6


@pytest.mark.parametrize(("hosts", "workers"), [(0, 1), (99, 1), (200, 2), (1000, 3)])
def test_there_are_as_many_workers_as_the_hosts_are_worth(hosts: int, workers: int) -> None:
    pool = ProcessPool(all_well, SystemClock(), workers=3, width=2, hosts_per_worker=100)
    work = iter(work_for([a_host("n1")]))
    with closing(pool):
        pool.run(lambda: next(work, None), lambda _event: None, hosts=hosts)

        assert len(pool.pids) == workers


def test_nothing_is_started_before_there_is_work() -> None:
    assert ProcessPool(all_well, SystemClock(), workers=3, width=2).pids == []
