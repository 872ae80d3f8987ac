"""What it costs to put a host on record before its first connection, and after its end, on SQLite.

Run it by hand: python -m tests.perf.recording [HOSTS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from edgectl.clock import SystemClock
from edgectl.engine.events import HostEnded, HostSaid, HostStarted, RunEnded, RunStarted
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskRecord, TaskStatus
from edgectl.engine.records import Manifest, PlannedJob
from edgectl.remote.protocol import Hello, TaskEnded
from edgectl.store.database import open_database
from edgectl.store.history import History
from edgectl.store.recorder import Recorder

TASKS = 12


def main(count: int) -> None:
    """Record a run of so many hosts with a dozen tasks each, and print milliseconds per host."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/state.db")
        recorder = Recorder(engine, clock)
        names = [f"pop{number // 4}-n{number % 4}" for number in range(count)]
        manifest = Manifest(
            {name: (PlannedJob(0, "0" * 64),) for name in names}, "d" * 64, changes=True, journaled=True
        )
        began = RunStarted("R", "run", names, clock.now(), manifest=manifest)
        print(f"begin    {_ms(lambda: recorder.on_event(began)):8.1f} ms for {count} hosts")
        starts = [_ms(partial(recorder.on_event, HostStarted(name))) for name in names]
        _tell("start", starts)
        for name in names:
            recorder.on_event(HostSaid(name, Hello("3.11", "b", "root")))
            for number in range(TASKS):
                ended = TaskEnded(
                    number, f"task {number}", "copy", "changed", 0.1, {"msg": "x" * 60}, seq=number + 1
                )
                recorder.on_event(HostSaid(name, ended))
        tasks = tuple(
            TaskRecord(f"task {n}", "copy", TaskStatus.CHANGED, 0.1, {"msg": "x" * 60}) for n in range(TASKS)
        )
        outcomes = [HostOutcome(name, "pop", HostStatus.CHANGED, tasks=tasks) for name in names]
        _tell(
            "end",
            [_ms(partial(recorder.on_event, HostEnded(outcome))) for outcome in outcomes],
        )
        ended_run = RunEnded(RunOutcome("R", outcomes, 1.0), clock.now())
        print(f"finish   {_ms(lambda: recorder.on_event(ended_run)):8.1f} ms")
        print(f"read     {_ms(lambda: History(engine).hosts('R')):8.1f} ms")
        engine.dispose()


def _ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _tell(what: str, took_ms: list[float]) -> None:
    mean, median = statistics.mean(took_ms), statistics.median(took_ms)
    worst = sorted(took_ms)[int(len(took_ms) * 0.99)]
    print(f"{what:<8} {mean:8.3f} ms per host, median {median:.3f}, p99 {worst:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_400)
