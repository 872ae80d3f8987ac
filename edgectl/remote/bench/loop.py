"""The one thread of a worker process: sends what is due, stamps what arrives, and reads none of it.

One epoll loop and no threads: a thread per stream would stamp a chunk only once it had the interpreter. All
that has arrived together is received and stamped before anything else is done with it. What waits longest for
the loop is measured by heartbeats, moments at which it has nothing to do but to say how late it is.
"""

from __future__ import annotations

import collections
import random
import select
import time
from typing import Callable, Protocol

from edgectl.remote.bench.answer import Answer, Incoming
from edgectl.remote.bench.connection import READ, WRITE, Connection, Route
from edgectl.remote.bench.failure import CONNECT, RESET, TIMEOUT, RequestFailed
from edgectl.remote.bench.request import Due, Sent
from edgectl.remote.bench.timer import Timer

_NS = 1_000_000_000
NEVER_NS = 1 << 62
_WATCH_NS = _NS
# Some 70 heartbeats a second tell p99 of the lag within seconds, for less than a thousandth of a core; uneven, so
# that they do not beat in time with the load.
_BEAT_NS = (5_000_000, 25_000_000)
_LATE_ANSWER = RequestFailed(TIMEOUT, "the answer was not over in time")
_LATE_CONNECTION = RequestFailed(CONNECT, "no connection in time")


class Agenda(Protocol):
    """What is to be sent when."""

    def next_ns(self) -> int:
        """Return when the next request is due; `NEVER_NS` where none is."""

    def prepare(self) -> None:
        """Get the next request ready, now that there is time."""

    def take(self) -> tuple[Due, bytes]:
        """Return the next request."""

    def over(self, sent: Sent) -> None:
        """Take what became of a request."""


class _Exchange:
    """A request on its way, on the connection that it has."""

    def __init__(self, due: Due, request: bytes, connection: Connection, started_ns: int) -> None:
        self.due = due
        self.request = request
        self.rest = memoryview(request)
        self.connection = connection
        self.incoming = Incoming()
        self.started_ns = self.opened_ns = started_ns
        self.sent_ns = self.connect_ns = 0
        self.is_over = False


class Loop:
    """Serves one agenda after the other over connections that it keeps; `lags_ns` are those of the heartbeats."""

    def __init__(self, route: Route, timeout_s: float, watch: Callable[[], None]) -> None:
        self._route = route
        self._timeout_ns = round(timeout_s * _NS)
        self._watch = watch
        self._timer = Timer()
        self._poller = select.epoll()
        self._poller.register(self._timer.fd, select.EPOLLIN)
        self._open: dict[int, Connection] = {}
        self._exchanges: dict[int, _Exchange] = {}
        self._idle: list[Connection] = []
        self._deadlines: collections.deque[_Exchange] = collections.deque()
        self._chance = random.Random(0)  # noqa: S311 - when to look, no secret
        self.lags_ns: list[int] = []

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._open.values()):
            self._drop(connection)
        self._poller.close()
        self._timer.close()

    def run(self, agenda: Agenda) -> None:
        """Do what the agenda says until nothing is left of it."""
        self._agenda = agenda
        beat_ns = watch_ns = time.monotonic_ns()
        while True:
            now_ns = time.monotonic_ns()
            due_ns = agenda.next_ns()
            while due_ns <= now_ns:
                self._begin(*agenda.take())
                now_ns = time.monotonic_ns()
                due_ns = agenda.next_ns()
            if due_ns == NEVER_NS and not self._exchanges:
                return
            if now_ns >= beat_ns:
                self.lags_ns.append(now_ns - beat_ns)
                beat_ns = now_ns + self._chance.randint(*_BEAT_NS)
                self._expire(now_ns)
                if now_ns >= watch_ns:
                    self._watch()
                    watch_ns = now_ns + _WATCH_NS
            agenda.prepare()
            self._timer.set(min(due_ns, beat_ns))
            self._attend(self._poller.poll())

    def _attend(self, ready: list[tuple[int, int]]) -> None:
        """Stamp all that has arrived, then look at it."""
        arrived = []
        for fd, event in ready:
            exchange = self._exchanges.get(fd)
            if exchange is None:
                self._drop(self._open.get(fd))  # idle, and closed by the server; or the timer
                continue
            connection = exchange.connection
            if not connection.is_open or event == WRITE:
                self._push(exchange)
                continue
            try:
                received = connection.receive()
                while received is not None:
                    arrived.append((time.monotonic_ns(), received, exchange))
                    received = connection.receive_more() if received else None
            except OSError as error:
                self._fail(exchange, RequestFailed(RESET, str(error)))
        for at_ns, received, exchange in arrived:
            if not exchange.is_over:
                self._take(exchange, at_ns, received)

    def _take(self, exchange: _Exchange, at_ns: int, received: bytes) -> None:
        incoming = exchange.incoming
        try:
            if received:
                incoming.take(at_ns, received)
            else:
                incoming.close()
        except RequestFailed as failure:
            self._fail(exchange, failure)
            return
        if incoming.is_over:
            self._end(exchange, at_ns)

    def _begin(self, due: Due, request: bytes) -> None:
        started_ns = time.monotonic_ns()
        try:
            connection = self._idle.pop() if self._idle else self._connection()
        except RequestFailed as failure:
            now_ns = time.monotonic_ns()
            self._agenda.over(Sent(due, started_ns, 0, now_ns - started_ns, now_ns, failure))
            return
        exchange = _Exchange(due, request, connection, started_ns)
        self._exchanges[connection.fd] = exchange
        self._deadlines.append(exchange)
        self._push(exchange)

    def _connection(self) -> Connection:
        connection = self._route.connection()
        self._open[connection.fd] = connection
        self._poller.register(connection.fd, WRITE)
        connection.waits_for = WRITE
        return connection

    def _push(self, exchange: _Exchange) -> None:
        """Go on connecting or sending, as far as that goes without waiting."""
        connection = exchange.connection
        try:
            if not connection.is_open:
                waits_for = connection.advance()
                if waits_for:
                    self._wait_for(connection, waits_for)
                    return
                exchange.connect_ns = time.monotonic_ns() - exchange.opened_ns
            if not exchange.sent_ns:
                exchange.sent_ns = time.monotonic_ns()
            exchange.rest = exchange.rest[connection.send(exchange.rest) :]
            self._wait_for(connection, READ | WRITE if exchange.rest else READ)
        except RequestFailed as failure:
            self._fail(exchange, failure)
        except OSError as error:
            self._fail(exchange, RequestFailed(RESET, str(error)))

    def _wait_for(self, connection: Connection, waits_for: int) -> None:
        if connection.waits_for != waits_for:
            self._poller.modify(connection.fd, waits_for)
            connection.waits_for = waits_for

    def _expire(self, now_ns: int) -> None:
        """End what has taken too long; all have the same time, so that the oldest is the first."""
        oldest_ns = now_ns - self._timeout_ns
        while self._deadlines and (self._deadlines[0].is_over or self._deadlines[0].started_ns <= oldest_ns):
            exchange = self._deadlines.popleft()
            if not exchange.is_over:
                is_open = exchange.connection.is_open
                self._over(exchange, now_ns, _LATE_ANSWER if is_open else _LATE_CONNECTION)
                self._drop(exchange.connection)

    def _end(self, exchange: _Exchange, at_ns: int) -> None:
        """Take the answer that is whole, and keep its connection where that may be."""
        connection = exchange.connection
        stays_open = exchange.incoming.stays_open and not exchange.rest
        try:
            outcome = exchange.incoming.answer()
        except RequestFailed as failure:
            self._over(exchange, at_ns, failure)
        else:
            self._over(exchange, at_ns, outcome)
        if stays_open:
            connection.is_used = True
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _fail(self, exchange: _Exchange, failure: RequestFailed) -> None:
        """Take a failure; on a kept connection that said nothing, try again on a new one.

        A server may close an idle connection at any time (RFC 9112, section 9.3.1).
        """
        self._drop(exchange.connection)
        if exchange.connection.is_used and not exchange.incoming.has_begun and failure.kind == RESET:
            try:
                exchange.connection = self._connection()
            except RequestFailed as again:
                self._over(exchange, time.monotonic_ns(), again)
                return
            exchange.opened_ns = time.monotonic_ns()
            exchange.sent_ns = 0
            exchange.rest = memoryview(exchange.request)
            self._exchanges[exchange.connection.fd] = exchange
            self._push(exchange)
            return
        self._over(exchange, time.monotonic_ns(), failure)

    def _over(self, exchange: _Exchange, at_ns: int, outcome: Answer | RequestFailed) -> None:
        if isinstance(outcome, RequestFailed):
            outcome.with_traceback(None)  # whose frames hold all that was received
        exchange.is_over = True
        exchange.incoming = Incoming()  # its deadline may be long to come, and keeps only the exchange itself
        exchange.rest, exchange.request = memoryview(b""), b""
        self._exchanges.pop(exchange.connection.fd, None)
        self._agenda.over(
            Sent(exchange.due, exchange.started_ns, exchange.sent_ns, exchange.connect_ns, at_ns, outcome)
        )

    def _drop(self, connection: Connection | None) -> None:
        if connection is None or self._open.pop(connection.fd, None) is None:
            return
        self._exchanges.pop(connection.fd, None)
        if connection in self._idle:
            self._idle.remove(connection)
        self._poller.unregister(connection.fd)
        connection.close()
