"""A worker process: warms up, waits for the start, makes its share of the load, and hands in what it saw."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import resource
import time
import traceback
from typing import Any, Callable, Iterable, NamedTuple, Sequence

from edgectl.remote.bench.agenda import LoadAgenda, Streams
from edgectl.remote.bench.connection import Route
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.loop import NEVER_NS, Loop
from edgectl.remote.bench.plan import Plan
from edgectl.remote.bench.request import Archive
from edgectl.remote.bench.warmup import warm_up

_NS = 1_000_000_000
_READY, _MADE = b"ready\n", b"made\n"


class Pipes(NamedTuple):
    """The worker's ends, and the process it works for."""

    reading: int
    writing: int
    parent: int

    def watch(self) -> None:
        """End at once where nobody wants the load any more."""
        if os.getppid() != self.parent:
            os._exit(1)


def be_the_worker(plan: Plan, offsets_ns: Sequence[int], number: int, of: int, pipes: Pipes) -> None:
    """Do all of it, and end; never returns."""
    code = 1
    try:
        _prepare(plan.load, number)
        _work(plan, _share(plan.load, offsets_ns, number, of), pipes, number, of)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def _prepare(load: Load, number: int) -> None:
    """Take the core that was given, and as many files as may be open."""
    if load.cores:
        os.sched_setaffinity(0, {load.cores[number % len(load.cores)]})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


_Arrivals = Callable[[int], "tuple[Iterable[tuple[int, int]], Streams | None]"]


def _work(plan: Plan, share: _Arrivals, pipes: Pipes, number: int, of: int) -> None:
    loop = Loop(Route(plan.target), plan.load.timeout_s, pipes.watch)
    workload = plan.workload
    warmed = warm_up(plan.load, workload, loop, number, of)
    loop.lags_ns.clear()
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection would stand between a recv and its stamp
    os.write(pipes.writing, _READY)
    start_ns = int(os.read(pipes.reading, 64))
    arrivals, following = share(start_ns)
    archive = Archive()
    agenda = LoadAgenda(workload, archive, arrivals, following, _most(plan.load, number, of))
    began, cpu, waited = time.monotonic(), time.process_time(), _waited_s()
    loop.run(agenda)
    took = time.monotonic() - began
    found: dict[str, Any] = {
        "cpu": (time.process_time() - cpu) / took,
        "waits": (_waited_s() - waited) / took,
        "lags_ns": loop.lags_ns,
        "read_early": archive.read_early,
        "warmup": warmed,
    }
    loop.close()
    os.write(pipes.writing, _MADE)
    found["records"] = archive.records()
    _write_all(pipes.writing, json.dumps(found).encode() + b"\n")


def _waited_s() -> float:
    """Return how long this process was ready to run and did not (proc(5), schedstat); 0 where nobody counts."""
    try:
        with open("/proc/self/schedstat", encoding="ascii") as stream:
            return int(stream.read().split()[1]) / _NS
    except (OSError, LookupError, ValueError):
        return 0.0


def _most(load: Load, number: int, of: int) -> int | None:
    return None if load.max_in_flight is None else max(1, len(range(number, load.max_in_flight, of)))


def _share(load: Load, offsets_ns: Sequence[int], number: int, of: int) -> _Arrivals:
    """Return what one of the workers has to do: every `of`-th request, or its part of the streams."""
    if load.is_open:
        own = list(enumerate(offsets_ns))[number::of]
        return lambda start_ns: ([(index, start_ns + at_ns) for index, at_ns in own], None)
    streams = range(number, load.concurrency or 0, of)
    indexes: Iterable[int] = itertools.count(number, of)
    if load.requests is not None:
        indexes = range(number, load.requests, of)
    span_ns = NEVER_NS if load.span_s is None else round(load.span_s * _NS)
    step_ns = round(load.ramp_s * _NS) // (load.concurrency or 1)

    def closed(start_ns: int) -> tuple[Iterable[tuple[int, int]], Streams | None]:
        following = Streams(indexes, start_ns + span_ns)
        return following.arrivals(start_ns + place * step_ns for place in streams), following

    return closed


def _write_all(fd: int, raw: bytes) -> None:
    rest = memoryview(raw)
    while rest:
        rest = rest[os.write(fd, rest) :]
