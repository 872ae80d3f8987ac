"""The threads of one worker process: each sends one request at a time on a connection of its own.

Open loop: one thread after the other becomes the leader, prepares its request, waits for the moment it is
due, hands the lead on and sends. No thread passes work to another, so that nothing stands between the moment
and the send; there is always one more thread than there are requests in flight, however slow the server is.
"""

from __future__ import annotations

import threading
import time
from typing import Callable, Iterable, Iterator

from edgectl.remote.bench.connection import Answer, Connection
from edgectl.remote.bench.request import Record, Sent, read, send
from edgectl.remote.bench.target import Target

_NS = 1_000_000_000
_WATCH_S = 1.0
_STACK_BYTES = 256 * 1024
# Answers wait unread until all requests are over, since reading them would hold the interpreter while others
# arrive; beyond this much they are read as they end, to bound the memory.
_UNREAD_LIMIT_BYTES = 64 * 1024 * 1024

Prepare = Callable[[int], bytes]


class Streams:
    """What the threads of a worker share."""

    def __init__(self, target: Target, prepare: Prepare, timeout_s: float, watch: Callable[[], None]) -> None:
        self._target = target
        self._prepare = prepare
        self._timeout_s = timeout_s
        self._watch = watch
        self._unread: list[Sent] = []
        self._unread_bytes = 0
        self._records: list[Record] = []
        self._threads: list[threading.Thread] = []
        self._lead = threading.Lock()
        self._followers = 0
        self._counting = threading.Lock()

    def open_loop(self, due: Iterable[tuple[int, int]], start_ns: int) -> None:
        """Send (index, offset in ns) when they are due, from `start_ns` on; return when all are over."""
        left = iter(due)
        self._spawn(lambda: self._follow(left, start_ns))
        self._wait()

    def closed_loop(self, count: int, indexes: Iterable[int], start_ns: int, end_ns: int) -> None:
        """Keep `count` requests in flight until the indexes are used up, or until `end_ns`."""
        left = iter(indexes)
        for _ in range(count):
            self._spawn(lambda: self._repeat(left, start_ns, end_ns))
        self._wait()

    def records(self) -> list[Record]:
        """Read what was gathered."""
        return self._records + [read(sent) for sent in self._unread]

    def _spawn(self, action: Callable[[], None]) -> None:
        before = threading.stack_size(_STACK_BYTES)
        thread = threading.Thread(target=action, daemon=True)
        self._threads.append(thread)
        thread.start()
        threading.stack_size(before)

    def _wait(self) -> None:
        """Wait for every thread, those included that are spawned meanwhile."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(_WATCH_S)
                self._watch()

    def _follow(self, left: Iterator[tuple[int, int]], start_ns: int) -> None:
        """Lead and send, again and again, until nothing is left."""
        connection = Connection(self._target)
        self._count_followers(+1)
        while True:
            with self._lead:
                self._count_followers(-1)
                index, offset_ns = next(left, (-1, 0))
                if index < 0:
                    break
                request = self._prepare(index)
                if self._followers == 0:
                    self._spawn(lambda: self._follow(left, start_ns))
                _sleep_until(start_ns + offset_ns)
            self._send(connection, request, index, start_ns + offset_ns)
            self._count_followers(+1)
        connection.close()

    def _repeat(self, left: Iterator[int], start_ns: int, end_ns: int) -> None:
        """Send the next one as soon as the last is over; it counts as scheduled from that moment."""
        connection = Connection(self._target)
        _sleep_until(start_ns)
        while True:
            free_ns = time.monotonic_ns()
            with self._lead:
                index = next(left, -1)
            if index < 0 or free_ns >= end_ns:
                break
            self._send(connection, self._prepare(index), index, free_ns)
        connection.close()

    def _send(self, connection: Connection, request: bytes, index: int, scheduled_ns: int) -> None:
        sent = send(connection, request, index, scheduled_ns, self._timeout_s)
        size = (
            sum(len(piece.payload) for piece in sent.outcome.pieces)
            if isinstance(sent.outcome, Answer)
            else 0
        )
        with self._counting:
            self._unread_bytes += size
            is_full = self._unread_bytes > _UNREAD_LIMIT_BYTES
        if is_full:
            self._records.append(read(sent))
        else:
            self._unread.append(sent)

    def _count_followers(self, change: int) -> None:
        with self._counting:
            self._followers += change


def _sleep_until(moment_ns: int) -> None:
    while True:
        left_ns = moment_ns - time.monotonic_ns()
        if left_ns <= 0:
            return
        time.sleep(left_ns / _NS)
