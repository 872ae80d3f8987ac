"""Worker processes, seen from their parent: all begin at one moment, and each hands its share of the records back."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from typing import Any, NamedTuple, Sequence

from edgectl.remote.bench.load import Load
from edgectl.remote.bench.plan import Plan
from edgectl.remote.bench.power import PowerWatch
from edgectl.remote.bench.request import Record
from edgectl.remote.bench.schedule import arrivals_ns
from edgectl.remote.bench.server import Counters, counters
from edgectl.remote.bench.worker import Pipes, be_the_worker

_NS = 1_000_000_000
# All workers are ready before this begins; it covers waking them.
_HEAD_START_S = 0.1
_POLL_S = 1.0
# Reading an event takes some 5 µs; a measurement of an hour may hold tens of millions of them.
_READING_LIMIT_S = 600.0
_READ_BYTES = 1 << 20


class Measured(NamedTuple):
    """What was seen: the records that count, by number, those that do not, and what the client itself took.

    `cpu` and `waits` are shares of one core, for each worker; `lags_ms` are those of their loops' heartbeats.
    """

    records: list[Record]
    cpu: list[float]
    start_ns: int
    end_ns: int = 0
    discarded: list[Record] = []  # noqa: RUF012 - defaults that nobody appends to
    offsets_ns: list[int] = []  # noqa: RUF012
    waits: list[float] = []  # noqa: RUF012
    lags_ms: list[float] = []  # noqa: RUF012
    warmups: list[dict[str, Any]] = []  # noqa: RUF012
    read_early: int = 0
    before: Counters | None = None
    after: Counters | None = None
    power: dict[str, Any] | None = None


class WorkerDied(RuntimeError):  # noqa: N818 - says what happened
    """A worker process ended without handing in its records."""


def measure(plan: Plan) -> Measured:
    """Make the load and return what was seen."""
    load = plan.load
    offsets_ns = arrivals_ns(load) if load.is_open else []
    count = load.worker_count
    workers = [_Worker(plan, offsets_ns, number, count) for number in range(count)]
    watch = PowerWatch.of(load)
    try:
        for worker in workers:
            worker.line(time.monotonic() + _ready_limit_s(load))
        before = counters(load)
        start_ns = time.monotonic_ns() + round(_HEAD_START_S * _NS)
        for worker in workers:
            worker.start(start_ns)
        for worker in workers:
            worker.line(time.monotonic() + load.limit_s)
        end_ns = time.monotonic_ns()
        after = counters(load)
        power = watch.stop(start_ns, end_ns) if watch else None
        parts = [json.loads(worker.line(time.monotonic() + _READING_LIMIT_S)) for worker in workers]
    finally:
        if watch:
            watch.end()
        for worker in workers:
            worker.end()
    records, discarded = _counted(load, _records(parts), start_ns)
    return Measured(
        records,
        cpu=[part["cpu"] for part in parts],
        start_ns=start_ns,
        end_ns=end_ns,
        discarded=discarded,
        offsets_ns=offsets_ns,
        waits=[part["waits"] for part in parts],
        lags_ms=[lag_ns / 1e6 for part in parts for lag_ns in part["lags_ns"]],
        warmups=[part["warmup"] for part in parts],
        read_early=sum(part["read_early"] for part in parts),
        before=before,
        after=after,
        power=power,
    )


def _records(parts: Sequence[dict[str, Any]]) -> list[Record]:
    found = [Record(*raw) for part in parts for raw in part["records"]]
    return sorted(found, key=lambda record: (record.number, record.turn))


def _counted(load: Load, records: list[Record], start_ns: int) -> tuple[list[Record], list[Record]]:
    """Part those that were due in the ramp and the cool-down from those that count."""
    if load.duration_s is None or not (load.ramp_s or load.cooldown_s):
        return records, []
    begin_ns = start_ns + round(load.ramp_s * _NS)
    end_ns = begin_ns + round(load.duration_s * _NS)
    counts = [begin_ns <= record.scheduled_ns < end_ns for record in records]
    return (
        [record for record, is_counted in zip(records, counts) if is_counted],
        [record for record, is_counted in zip(records, counts) if not is_counted],
    )


def _ready_limit_s(load: Load) -> float:
    return load.warmup_requests * load.timeout_s + load.warmup_limit_s + load.timeout_s + 60.0


class _Worker:
    """A forked process: two pipes."""

    def __init__(self, plan: Plan, offsets_ns: list[int], number: int, of: int) -> None:
        up_reading, up_writing = os.pipe()
        down_reading, down_writing = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(up_reading)
            os.close(down_writing)
            be_the_worker(plan, offsets_ns, number, of, Pipes(down_reading, up_writing, parent))
        os.close(up_writing)
        os.close(down_reading)
        self._reading, self._writing = up_reading, down_writing
        self._rest = b""

    def start(self, at_ns: int) -> None:
        """Tell it when the measurement begins."""
        os.write(self._writing, f"{at_ns}\n".encode())

    def end(self) -> None:
        """End it, if it has not ended; never raises."""
        os.close(self._reading)
        os.close(self._writing)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def line(self, until: float) -> bytes:
        """Return what it says next: that it is ready, that its load is made, its records. Raises `WorkerDied`."""
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            if time.monotonic() > until:
                raise WorkerDied("a worker process of the load generator did not end in time")
            if not select.select([self._reading], [], [], _POLL_S)[0]:
                continue
            received = os.read(self._reading, _READ_BYTES)
            if not received:
                raise WorkerDied("a worker process of the load generator died")
            parts.append(received)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line
