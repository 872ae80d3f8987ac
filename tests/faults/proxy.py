"""A TCP proxy that plays a bad line in front of a real sshd: it stalls, resets, freezes, delays and throttles."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from tests.faults.milestones import Milestone, Milestones

Address = tuple[str, int]
# When a piece is due, the piece, and what happens behind it.
_Due = tuple[float, bytes, Callable[[], None] | None]
_PIECE = 16 * 1024
_BACKLOG = 64
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: the peer hears a reset


class End(Enum):
    """How a line ends while it is in use."""

    RESET = "reset"  # both sides hear a reset
    FREEZE = "freeze"  # nothing passes any more and nobody is told: a NAT that forgot, a site without power


@dataclass(frozen=True, slots=True)
class Line:
    """How one connection fares. The default is a good line.

    It ends at the first of: the server's milestone, so many seconds after its beginning, so many bytes from
    either side. The bytes up to that moment pass.
    """

    end: End | None = None
    at: Milestone | None = None
    after_s: float | None = None
    after_bytes: int | None = None
    latency_s: float = 0.0
    straggler_share: float = 0.0  # of the pieces, these come so much later
    straggler_s: float = 0.0
    bytes_per_s: float = 0.0  # in each direction; 0 is no limit


GOOD = Line()


class Proxy:
    """Listens on one address and forwards to another; `plan` says how the n-th connection fares, from 0.

    It runs on a thread of its own until the `with` block ends; then every line is closed.
    """

    def __init__(
        self, listen: Address, target: Address, plan: Callable[[int], Line] = lambda _: GOOD
    ) -> None:
        self.listen = listen
        self._target = target
        self._plan = plan
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._door: socket.socket | None = None
        self._stuffing: list[socket.socket] = []
        self._lines: set[_Open] = set()
        self.accepted = 0
        self._carried: list[_Open] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._shut())
        self._await(self._end_all(End.RESET))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def clear(self) -> None:
        """Take connections, each as the plan says."""
        self._await(self._shut())
        self._await(self._serve())

    def uploads(self) -> list[int]:
        """Return how many bytes each client sent so far, SSH's own included."""
        return [line.uploaded_bytes for line in self._carried]

    def refuse(self) -> None:
        """Take no connection: whoever comes is refused by the kernel."""
        self._await(self._shut())

    def blackhole(self) -> None:
        """Answer nobody: the queue of the port is full, so the kernel drops whoever knocks."""
        self._await(self._shut())
        self._await(self._stuff())

    def end_all(self, end: End) -> None:
        """End every line that is open now."""
        self._await(self._end_all(end))

    def plan(self, plan: Callable[[int], Line]) -> None:
        """Give new connections another plan; it counts on from where the proxy is."""
        self._plan = plan

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def _bound(self, backlog: int) -> socket.socket:
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(self.listen)
        self.listen = door.getsockname()
        door.listen(backlog)
        door.setblocking(False)
        return door

    async def _serve(self) -> None:
        self._door = self._bound(_BACKLOG)
        self._loop.add_reader(self._door, self._accept, self._door)

    async def _stuff(self) -> None:
        self._door = self._bound(0)
        for _ in range(4):
            knock = socket.socket()
            knock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                knock.connect(self.listen)
            self._stuffing.append(knock)

    async def _shut(self) -> None:
        for knock in self._stuffing:
            knock.close()
        self._stuffing.clear()
        if self._door is not None:
            self._loop.remove_reader(self._door)
            self._door.close()
            self._door = None

    def _accept(self, door: socket.socket) -> None:
        try:
            client, _ = door.accept()
        except OSError:
            return  # whoever knocked has gone again
        line = _Open(client, self._plan(self.accepted), self._lines)
        self.accepted += 1
        self._carried.append(line)
        self._lines.add(line)
        line.carrying = self._loop.create_task(line.carry(self._target))

    async def _end_all(self, end: End) -> None:
        for line in list(self._lines):
            if end is End.FREEZE:
                line.freeze()
            else:
                line.reset()
        if end is End.RESET:
            gone = [line.carrying for line in list(self._lines) if line.carrying is not None]
            if gone:
                await asyncio.wait(gone)


@dataclass(eq=False)
class _Open:
    """One connection being carried."""

    client: socket.socket
    line: Line
    open_lines: set[_Open]
    carrying: asyncio.Task[None] | None = None
    server: socket.socket = field(default_factory=socket.socket)
    uploaded_bytes: int = 0
    _frozen: bool = False
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _passed_bytes: int = 0
    _noise: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - noise of a line, not a key

    async def carry(self, target: Address) -> None:
        """Forward both ways until one side closes or the line is reset; a frozen one waits for its reset."""
        loop = asyncio.get_running_loop()
        for end in (self.client, self.server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pumps: list[asyncio.Task[None]] = []
        try:
            await loop.sock_connect(self.server, target)
            if self.line.after_s is not None:
                loop.call_later(self.line.after_s, self._end)
            pumps = [
                asyncio.create_task(self._pump(self.server, self.client, Milestones(self.line.at))),
                asyncio.create_task(self._pump(self.client, self.server, None)),
            ]
            await self._over.wait()
        except OSError:
            self.reset()
        finally:
            for pump in pumps:
                pump.cancel()
            self.client.close()
            self.server.close()
            self.open_lines.discard(self)
            if pumps:
                await asyncio.wait(pumps)

    def reset(self) -> None:
        """Close so that both sides hear a reset."""
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):  # closed by now
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._over.set()

    def freeze(self) -> None:
        """Let nothing pass any more, and tell nobody."""
        self._frozen = True

    def _end(self) -> None:
        if self.line.end is End.FREEZE:
            self.freeze()
        else:
            self.reset()

    async def _pump(self, source: socket.socket, sink: socket.socket, marks: Milestones | None) -> None:
        """Read at once and deliver when due, so that latency is not paid per piece."""
        due: asyncio.Queue[_Due] = asyncio.Queue()
        delivering = asyncio.create_task(self._deliver(due, sink))
        loop = asyncio.get_running_loop()
        try:
            with contextlib.suppress(OSError):  # the other end may go as rudely as it likes
                while piece := await loop.sock_recv(source, _PIECE):
                    self.uploaded_bytes += len(piece) if source is self.client else 0
                    late = self.line.straggler_s * (self._noise.random() < self.line.straggler_share)
                    passes, ends = self._passing(piece, marks)
                    when = loop.time() + self.line.latency_s + late
                    due.put_nowait((when, piece[:passes], self._end if ends else None))
                    if ends or self._frozen:
                        await self._over.wait()
            due.put_nowait((loop.time() + self.line.latency_s, b"", self._over.set))
            await delivering
        finally:
            delivering.cancel()

    def _passing(self, piece: bytes, marks: Milestones | None) -> tuple[int, bool]:
        """Return how much of a piece may pass, and whether the line ends behind that."""
        if marks is not None and (at := marks.found_in(piece)) is not None:
            return at, True
        before = self._passed_bytes
        self._passed_bytes += len(piece)
        limit = self.line.after_bytes
        if limit is not None and before < limit <= self._passed_bytes:
            return limit - before, True
        return len(piece), False

    async def _deliver(self, due: asyncio.Queue[_Due], sink: socket.socket) -> None:
        """Deliver in order, since TCP lets nothing overtake a late piece; nothing on a frozen line."""
        loop = asyncio.get_running_loop()
        then: Callable[[], None] | None = None
        while then is None:
            when, piece, then = await due.get()
            await asyncio.sleep(max(0.0, when - loop.time()))
            if self.line.bytes_per_s:
                await asyncio.sleep(len(piece) / self.line.bytes_per_s)
            if not self._frozen:
                with contextlib.suppress(OSError):
                    await loop.sock_sendall(sink, piece)
        if not self._frozen:
            then()
