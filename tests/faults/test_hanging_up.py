"""Hosts that are hung up on go on by themselves, and are found as they are: the real runner, one line for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgectl.clock import SystemClock
from edgectl.engine.events import HostEnded, HostLost, HostSaid, HostStarted, RunEvent
from edgectl.engine.outcome import HostStatus
from edgectl.engine.ports import HostWork
from edgectl.pools.threads import ThreadPool
from tests.fakes.fleet import a_host, a_job
from tests.faults.pipehost import PipeHosts
from tests.remote.bundled import shell

HOSTS = ("n1", "n2", "n3")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[PipeHosts]:
    found = PipeHosts(tmp_path, {})
    yield found
    found.end_all()


def test_one_line_serves_three_hosts_none_of_which_ends_before_all_have_begun(hosts: PipeHosts) -> None:
    everybody = " && ".join(f"[ -s {hosts.root(name)}/counter ]" for name in HOSTS)
    work = iter(
        HostWork(
            a_host(name),
            a_job(
                [
                    shell(1, f"echo 1 >> {hosts.root(name)}/counter; until {everybody}; do sleep 0.1; done"),
                    shell(2, f"echo 2 >> {hosts.root(name)}/counter"),
                ],
                host=name,
            ),
        )
        for name in HOSTS
    )
    events: list[RunEvent] = []
    ThreadPool(hosts, SystemClock(), width=1).run(lambda: next(work, None), events.append)

    ended = [event.outcome for event in events if isinstance(event, HostEnded)]
    assert {(outcome.host, outcome.status) for outcome in ended} == {(n, HostStatus.CHANGED) for n in HOSTS}
    assert [type(event) for event in events].index(HostEnded) > _last(events, HostStarted)
    assert not [event for event in events if isinstance(event, HostLost)]
    seqs: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if isinstance(event, HostSaid) and event.message.seq:
            seqs[event.host].append(event.message.seq)
    assert seqs == {name: [1, 2, 3, 4, 5] for name in HOSTS}
    assert [(hosts.root(name) / "counter").read_text().split() for name in HOSTS] == [["1", "2"]] * 3


def _last(events: list[RunEvent], kind: type[RunEvent]) -> int:
    return max(number for number, event in enumerate(events) if isinstance(event, kind))
