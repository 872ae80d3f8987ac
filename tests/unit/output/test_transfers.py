"""What a person sees of bytes that travel: folded, with a pace and an estimate, and nothing twice."""

from __future__ import annotations

import io
import json

import rich.console

from edgectl.engine.events import (
    HostAttached,
    HostEnded,
    HostLost,
    HostSaid,
    HostStarted,
    RunEvent,
    RunStarted,
)
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.output.progress import Progress
from edgectl.output.stream import EventStream
from edgectl.output.transfers import Transfers
from edgectl.remote.protocol import Heartbeat
from tests.fakes.clock import START

GB = 10**9


def shipping(pops: int, nodes: int) -> Transfers:
    transfers = Transfers()
    for pop in range(pops):
        for node in range(nodes):
            transfers.started(f"p{pop}-n{node}", f"p{pop}")
            transfers.moved(f"p{pop}-n{node}", 0, 30 * GB, 0.0)
    return transfers


def at(done: int, seq: int = 0) -> Heartbeat:
    return Heartbeat(1, 5.0, 0.0, done, 30 * GB, seq)


def test_one_pop_is_one_line_with_bytes_a_pace_and_an_estimate() -> None:
    transfers = shipping(1, 4)
    transfers.moved("p0-n0", 30 * GB, 30 * GB, 60.0)

    assert transfers.lines(60.0) == ["  p0   █████░░░░░░░░░░░░░░░  30 of 120 GB   500 MB/s   about 3 min"]


def test_many_pops_are_one_line_and_the_slowest_of_them() -> None:
    transfers = shipping(4_400, 1)
    for pop in range(4_400):
        transfers.moved(f"p{pop}-n0", (1 + pop % 100) * GB // 4, 30 * GB, 10.0)
    head, *slowest, rest = transfers.lines(10.0)

    assert head.startswith("  PoPs 0/4,400   ████████")
    assert {line.index("█") for line in (head, *slowest) if "█" in line} == {head.index("█")}
    assert [line.split()[0] for line in slowest] == ["p0", "p100", "p1000", "p1100", "p1200"]
    assert rest == "    4,395 PoPs more, sooner than these"


def test_what_was_there_before_is_no_pace_and_what_is_said_again_adds_nothing() -> None:
    transfers = Transfers()
    transfers.started("n", "p")
    transfers.moved("n", 20 * GB, 30 * GB, 0.0)
    for _ in range(3):
        transfers.moved("n", 21 * GB, 30 * GB, 10.0)

    assert transfers.lines(10.0) == ["  p   ██████████████░░░░░░  21 of 30 GB   100 MB/s   about 2 min"]


def test_a_host_that_fails_is_waited_for_no_longer_and_when_all_are_over_the_lines_go() -> None:
    transfers = shipping(1, 2)
    transfers.moved("p0-n0", 15 * GB, 30 * GB, 10.0)
    transfers.ended("p0-n1", well=False)

    assert "15 of 30 GB" in transfers.lines(10.0)[0]
    transfers.ended("p0-n0", well=True)
    assert transfers.lines(12.0) == []


def test_a_size_that_nobody_knows_gives_no_estimate() -> None:
    transfers = Transfers()
    transfers.moved("n", 0, 0, 0.0)
    transfers.moved("n", 5 * GB, 0, 10.0)

    assert transfers.lines(10.0) == ["  bytes   5.0 GB   500 MB/s"]


def test_a_line_that_was_lost_costs_no_byte_of_the_figure() -> None:
    clock = [0.0]
    progress = Progress(rich.console.Console(file=io.StringIO(), width=200), lambda: clock[0])
    started = RunStarted("R1", "deploy weights", ["n"], START)
    events: list[RunEvent] = [started, HostStarted("n", "fra1"), HostSaid("n", at(0, seq=2))]
    for event in events:
        progress.on_event(event)
    clock[0] = 10.0
    progress.on_event(HostSaid("n", at(3 * GB, seq=3)))
    progress.on_event(HostLost("n", "reset"))
    progress.on_event(HostAttached("n", 3, 4.0))
    progress.on_event(HostSaid("n", at(3 * GB)))

    assert "fra1   ██░░░░░░░░░░░░░░░░░░  3.0 of 30 GB   300 MB/s" in progress.__rich__().plain
    progress.on_event(HostEnded(HostOutcome("n", "fra1", HostStatus.CHANGED)))
    clock[0] = 12.0
    assert "GB" not in progress.__rich__().plain


def test_a_stream_of_events_has_what_the_journal_has_and_nothing_in_between() -> None:
    stream = io.StringIO()
    events = EventStream(stream)
    events.on_event(HostSaid("n", Heartbeat(1, 2.0, 0.0, 1, 20, 5, 7.5)))
    events.on_event(HostSaid("n", Heartbeat(1, 3.0, 0.0, 2, 20)))

    (said,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [said[name] for name in ("type", "host", "done", "total", "seq")] == ["Heartbeat", "n", 1, 20, 5]
