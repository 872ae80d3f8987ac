"""Worker processes: each makes its share of the load, all from one moment on, and hands its records back."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
from typing import Any, Callable, Iterable, NamedTuple

from edgectl.remote.bench.connection import Connection
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.prompts import WordCount, prompt
from edgectl.remote.bench.request import Record, chat_request, send
from edgectl.remote.bench.schedule import arrivals_ns
from edgectl.remote.bench.streams import Streams
from edgectl.remote.bench.target import Target, target_of

_NS = 1_000_000_000
# All workers are ready before this begins; it covers waking them.
_HEAD_START_S = 0.1
# Waking threads wait at most this long for one that computes (the default is 5 ms).
_SWITCH_S = 0.0005
_POLL_S = 1.0
_READ_BYTES = 1 << 20
_NEVER_NS = 1 << 62


class Plan(NamedTuple):
    """A load with everything found out that it needs."""

    load: Load
    model: str
    words: WordCount

    @property
    def target(self) -> Target:
        """Return where requests go."""
        return target_of(self.load.url)

    def request(self, name: str) -> bytes:
        """Return the request of this name, with a prompt of its own."""
        load = self.load
        text = prompt(load.seed, name, self.words.words_for(load.prompt_tokens))
        return chat_request(
            self.target, load, self.model, f"edgectl-{load.seed}-{name}", text, load.output_tokens
        )


class Measured(NamedTuple):
    """All records by number, and how busy the worker processes were, each as a share of one core."""

    records: list[Record]
    cpu: list[float]
    start_ns: int


class WorkerDied(RuntimeError):  # noqa: N818 - says what happened
    """A worker process ended without handing in its records."""


def measure(plan: Plan) -> Measured:
    """Make the load and return what was seen."""
    count = plan.load.worker_count
    workers = [_Worker(plan, number, count) for number in range(count)]
    try:
        for worker in workers:
            worker.wait_ready(time.monotonic() + _ready_limit_s(plan.load))
        start_ns = time.monotonic_ns() + round(_HEAD_START_S * _NS)
        for worker in workers:
            worker.start(start_ns)
        parts = [worker.result(time.monotonic() + plan.load.limit_s) for worker in workers]
    finally:
        for worker in workers:
            worker.end()
    records = sorted(
        (Record(*raw) for part in parts for raw in part["records"]), key=lambda record: record.number
    )
    return Measured(records, [part["cpu"] for part in parts], start_ns)


def _ready_limit_s(load: Load) -> float:
    return load.warmup_requests * load.timeout_s + _HEAD_START_S + 60.0


class _Worker:
    """A forked process, seen from its parent: two pipes."""

    def __init__(self, plan: Plan, number: int, of: int) -> None:
        up_reading, up_writing = os.pipe()
        down_reading, down_writing = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(up_reading)
            os.close(down_writing)
            _be_the_worker(plan, number, of, _Pipes(down_reading, up_writing, parent))
        os.close(up_writing)
        os.close(down_reading)
        self._reading, self._writing = up_reading, down_writing
        self._rest = b""

    def wait_ready(self, until: float) -> None:
        """Wait until its warm-up is over."""
        self._line(until)

    def start(self, at_ns: int) -> None:
        """Tell it when the measurement begins."""
        os.write(self._writing, f"{at_ns}\n".encode())

    def result(self, until: float) -> dict[str, Any]:
        """Return its share. Raises `WorkerDied`."""
        found: dict[str, Any] = json.loads(self._line(until))
        return found

    def end(self) -> None:
        """End it, if it has not ended; never raises."""
        os.close(self._reading)
        os.close(self._writing)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _line(self, until: float) -> bytes:
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


class _Pipes(NamedTuple):
    """The worker's ends, and the process it works for."""

    reading: int
    writing: int
    parent: int

    def watch(self) -> None:
        """End at once where nobody wants the load any more."""
        if os.getppid() != self.parent:
            os._exit(1)


def _be_the_worker(plan: Plan, number: int, of: int, pipes: _Pipes) -> None:
    """Warm up, wait for the start, make the load, hand in the records, and end."""
    code = 1
    try:
        # A thread that breaks must not pass for a request that was never due.
        threading.excepthook = _end_on_a_bug
        sys.setswitchinterval(_SWITCH_S)
        streams = Streams(
            plan.target, lambda index: plan.request(str(index)), plan.load.timeout_s, pipes.watch
        )
        share = _share(plan.load, number, of)
        _warm_up(plan, number, of)
        gc.disable()  # a collection would stand between a recv and its stamp
        os.write(pipes.writing, b"ready\n")
        start_ns = int(os.read(pipes.reading, 64))
        began, cpu = time.monotonic(), time.process_time()
        share(streams, start_ns)
        cpu_share = (time.process_time() - cpu) / (time.monotonic() - began)
        found = {"records": streams.records(), "cpu": cpu_share}
        _write_all(pipes.writing, json.dumps(found).encode() + b"\n")
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def _end_on_a_bug(broken: Any) -> None:
    traceback.print_exception(broken.exc_type, broken.exc_value, broken.exc_traceback)
    os._exit(1)


def _share(load: Load, number: int, of: int) -> Callable[[Streams, int], None]:
    """Return what one of the workers has to do: every `of`-th request, or its part of the streams."""
    if load.rate is not None:
        due = [(index, at_ns) for index, at_ns in enumerate(arrivals_ns(load)) if index % of == number]
        return lambda streams, start_ns: streams.open_loop(due, start_ns)
    count = len(range(number, load.concurrency or 0, of))
    indexes: Iterable[int] = itertools.count(number, of)
    if load.requests is not None:
        indexes = range(number, load.requests, of)
    span_ns = _NEVER_NS if load.duration_s is None else round(load.duration_s * _NS)
    return lambda streams, start_ns: streams.closed_loop(count, indexes, start_ns, start_ns + span_ns)


def _warm_up(plan: Plan, number: int, of: int) -> None:
    connection = Connection(plan.target)
    for index in range(number, plan.load.warmup_requests, of):
        send(connection, plan.request(f"warm-up-{index}"), index, 0, plan.load.timeout_s)
    connection.close()


def _write_all(fd: int, raw: bytes) -> None:
    rest = memoryview(raw)
    while rest:
        rest = rest[os.write(fd, rest) :]
