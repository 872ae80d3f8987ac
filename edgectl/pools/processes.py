"""Hosts worked on by several processes: handshakes are arithmetic, and one Python does those of one core."""

from __future__ import annotations

import contextlib
import itertools
import math
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.ports import Connector, HostWork, NextWork
from edgectl.errors import MissingError
from edgectl.pools import process_worker
from edgectl.pools.foreman import Foreman
from edgectl.pools.parcels import Packer
from edgectl.pools.shift import Asked, Word

# What a person or a service manager sends to the whole group of processes is for the parent to hear.
_FOR_THE_PARENT = (signal.SIGINT, signal.SIGTERM)
_LEAVE_S = 5.0


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    packer: Packer
    asks: bool = False
    has_begun: bool = False


class ProcessPool:
    """Keeps at most `workers` processes, spawned at the first work; each listens to `width` hosts at once.

    There are no more of them than one per `hosts_per_worker`. `make_connector` is called in each, so it has to be
    picklable. `close` ends them.
    """

    def __init__(
        self,
        make_connector: Callable[[], Connector],
        clock: Clock,
        *,
        workers: int,
        width: int,
        hosts_per_worker: int = 1,
    ) -> None:
        self._make_connector = make_connector
        self._clock = clock
        self._most = workers
        self._wanted = 1
        self._width = width
        self._hosts_per_worker = hosts_per_worker
        self._workers: dict[str, _Worker] = {}
        self._names = (f"worker {number}" for number in itertools.count(1))

    def check(self, work: Iterable[HostWork]) -> None:
        """Take any work; see `HostPool`."""

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        """Work until `next_work` has said None and every host has ended; see `HostPool`.

        Raises `MissingError` where workers die before they have begun.
        """
        self._wanted = max(1, min(self._most, hosts // self._hosts_per_worker))
        foreman = Foreman(next_work, on_event, self._give, self._clock)
        for name, worker in self._workers.items():
            foreman.join(name, asks=worker.asks)
        while not foreman.is_over():
            for name in self._spawn():
                foreman.join(name)
            foreman.hand_out()
            if foreman.is_over():
                return
            for name, word in self._words(foreman.wait_s()):
                if word is None:
                    foreman.lose(name)
                else:
                    foreman.hear(name, word)

    def close(self) -> None:
        """End the workers. What runs at hosts goes on there."""
        for worker in self._workers.values():
            worker.pipe.close()
        for worker in self._workers.values():
            self._reap(worker)
        self._workers.clear()

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [worker.process.pid for worker in self._workers.values() if worker.process.pid is not None]

    def _spawn(self) -> Iterator[str]:
        """Start what is missing, and yield the names of the new ones."""
        while len(self._workers) < self._wanted:
            name = next(self._names)
            self._workers[name] = self._start(name)
            yield name

    def _start(self, name: str) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._make_connector, self._width)
        process = context.Process(target=process_worker.serve, args=arguments, name=name, daemon=True)
        # It would be started within `process.start`, and open the mask again.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_PARENT)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return _Worker(process, ours, Packer(self._clock))

    def _give(self, name: str, work: HostWork) -> None:
        worker = self._workers[name]
        worker.asks = False
        with contextlib.suppress(OSError):  # it has died, which its pipe will say
            worker.pipe.send(worker.packer.pack(work))

    def _words(self, at_most_s: float) -> Iterator[tuple[str, Word | None]]:
        """Wait for workers, and yield what each says; None where it has died."""
        pipes = {worker.pipe: name for name, worker in self._workers.items()}
        for pipe in wait(list(pipes), None if math.isinf(at_most_s) else at_most_s):
            name = pipes[pipe]  # type: ignore[index]
            yield name, self._word(name)

    def _word(self, name: str) -> Word | None:
        worker = self._workers[name]
        try:
            word: Word = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(name)
            return None
        worker.has_begun = True
        worker.asks = worker.asks or isinstance(word, Asked)
        return word

    @staticmethod
    def _reap(worker: _Worker) -> None:
        """Wait for a worker whose pipe is closed: it ends by itself, with an exit code of its own."""
        worker.process.join(_LEAVE_S)
        worker.process.kill()
        worker.process.join()

    def _bury(self, name: str) -> None:
        worker = self._workers.pop(name)
        worker.pipe.close()
        self._reap(worker)
        if worker.has_begun:
            return
        self._wanted -= 1  # another one would do the same
        if not any(other.has_begun for other in self._workers.values()):
            message = f"a worker process ended before it began, with exit code {worker.process.exitcode}"
            raise MissingError(message, hint="--pool threads")
