"""What it costs to show and to keep what a fleet says: the live line, the stream, folding, clusters, memory.

`pytest -m perf -s tests/perf/test_output.py`. The events are made up, the hosts are 20,000; figures are CPU time of
this process, the drawing thread included.
"""

from __future__ import annotations

import itertools
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import rich.console

from edgectl.engine.events import (
    HostEnded,
    HostSaid,
    HostStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    WaveStarted,
)
from edgectl.engine.keeping import KEPT_BYTES, Keeper
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.ops.clusters.comparison import NO_COMPARISON, Comparison
from edgectl.ops.outputs import by_output, output_lines
from edgectl.ops.told import clusters, trouble
from edgectl.output.progress import Progress
from edgectl.output.stream import EventStream
from edgectl.remote.protocol import Ended, Hello, TaskEnded, TaskStarted
from tests.fakes.clock import START
from tests.fakes.fleet import hosts_of

pytestmark = pytest.mark.perf
HOSTS = int(os.environ.get("EDGECTL_PERF_HOSTS", "20000"))
SECONDS = float(os.environ.get("EDGECTL_PERF_SECONDS", "10"))
RATES = (1_000, 5_000, 10_000)
TASKS = 10
ABREAST = 2_000  # so many hosts are at work at the same time

Observe = Callable[[RunEvent], None]


def _events() -> Iterator[RunEvent]:
    """Yield the events of a run of ten tasks on every host, hosts abreast."""
    for first in range(0, HOSTS, ABREAST):
        names = [f"pop{number // 5}-r1-n{number % 5}" for number in range(first, first + ABREAST)]
        yield from (HostStarted(name) for name in names)
        yield from (HostSaid(name, Hello("3.11", "boot", "root")) for name in names)
        for task in range(TASKS):
            for name in names:
                yield HostSaid(name, TaskStarted(task, f"task {task}", 2 * task + 1))
                ended = TaskEnded(task, f"task {task}", "copy", "ok", 0.1, {"msg": ""}, seq=2 * task + 2)
                yield HostSaid(name, ended)
        yield from (HostSaid(name, Ended("ok", seq=99)) for name in names)
        yield from (HostEnded(HostOutcome(name, "p", HostStatus.OK)) for name in names)


@contextmanager
def _live_line(folder: Path) -> Iterator[Observe]:
    """Draw on what takes itself for a terminal, until the run ends."""
    with (folder / "terminal").open("w") as stream:
        console = rich.console.Console(file=stream, force_terminal=True, width=120)
        progress = Progress(console, time.monotonic, label="run")
        progress.on_event(RunStarted("R1", "run", [], START))
        progress.on_event(WaveStarted(1, 1, HOSTS, canary=False))
        yield progress.on_event
        progress.on_event(RunEnded(RunOutcome("R1", (), 1.0), START))


def _paced_cpu_s(events: Sequence[RunEvent], rate: int, observe: Observe) -> float:
    """Return the CPU time that so many events a second take, a hundred times a second in bursts."""
    stream = iter(itertools.cycle(events))
    began, cpu = time.monotonic(), time.process_time()
    for tick in range(round(SECONDS * 100)):
        for event in itertools.islice(stream, rate // 100):
            observe(event)
        time.sleep(max(0.0, began + (tick + 1) / 100 - time.monotonic()))
    return time.process_time() - cpu


def test_the_live_line_at_thousands_of_events_a_second(tmp_path: Path) -> None:
    events = list(_events())
    print(f"\n{len(events):,} events of {HOSTS:,} hosts; the live line's share of one core")
    for rate in RATES:
        with _live_line(tmp_path) as observe:
            with_line = _paced_cpu_s(events, rate, observe)
        without = _paced_cpu_s(events, rate, lambda _event: None)
        print(f"  {rate:>6,} events/s   {100 * (with_line - without) / SECONDS:5.1f} %")


def test_one_event(tmp_path: Path) -> None:
    events = list(_events())
    with _live_line(tmp_path) as observe:
        on_line = _us_each(events, observe)
    with (tmp_path / "out").open("w") as out:
        in_stream = _us_each(events, EventStream(out).on_event)
    print(f"\none event at full speed: {on_line:.2f} µs on the live line, {in_stream:.1f} µs with -o jsonl")


def _us_each(events: Sequence[RunEvent], observe: Observe) -> float:
    began = time.process_time()
    for event in events:
        observe(event)
    return 1e6 * (time.process_time() - began) / len(events)


def _ran(host: str, pop: str, text: str, rc: int = 0) -> HostOutcome:
    status = HostStatus.FAILED if rc else HostStatus.CHANGED
    result = {"rc": rc, "stdout": text, "stderr": ""}
    return HostOutcome(host, pop, status, tasks=(TaskRecord("c", "shell", TaskStatus.OK, 0.1, result),))


@pytest.mark.parametrize("kib", [1, 16, 128])
def test_memory_of_what_4400_hosts_print(kib: int) -> None:
    """What a host sends of 1 MB is 64 KiB of each stream, here all of it different from host to host."""
    keeper, hosts = Keeper(4_400), 4_400
    tracemalloc.start()
    kept = [keeper.kept(_ran(f"n{number}", "p", f"{number:>8}" * (kib * 128))) for number in range(hosts)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"\n{hosts:,} hosts printing {kib:>3} KiB each: {hosts * kib / 1024:6.0f} MiB said, "
        f"{size / 2**20:6.1f} MiB kept (set aside: {KEPT_BYTES / 2**20:.0f})"
    )
    assert len(kept) == hosts


def test_telling_twenty_thousand_hosts() -> None:
    hosts = hosts_of({f"fra{pop}": 5 for pop in range(HOSTS // 5)})
    outcomes = [_outcome(number, host.name, host.pop.name) for number, host in enumerate(hosts)]
    began = time.process_time()
    comparison = Comparison(hosts, outcomes)
    told = [*trouble(outcomes, comparison), *clusters(outcomes, comparison)]
    explained = time.process_time()
    folded = output_lines(by_output(outcomes), NO_COMPARISON)
    ended = time.process_time()
    print(f"\n{HOSTS:,} hosts, {len(told)} lines of 50 troubles with clusters: {explained - began:.2f} s")
    print(f"{HOSTS:,} hosts, {len(folded)} lines of folded output: {ended - explained:.2f} s")


def _outcome(number: int, name: str, pop: str) -> HostOutcome:
    if number % 10:
        return _ran(name, pop, f"6.8.0-{number % 7}-generic")
    reason = f"fault {number // 10 % 50}: address 10.0.0.{number % 250}"
    return HostOutcome(name, pop, HostStatus.FAILED, reason, "accept", hint="look there")
