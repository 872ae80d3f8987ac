"""What is to be sent when: arrivals of an open loop, the streams of a closed one, the turns of a conversation."""

from __future__ import annotations

import heapq
from typing import Iterable, Iterator, NamedTuple, Protocol, Sequence

from edgectl.remote.bench.loop import NEVER_NS
from edgectl.remote.bench.request import Archive, Due, Sent
from edgectl.remote.bench.workload import Message


class _Step(NamedTuple):
    """One turn of a conversation, due at a moment; a request alone is a conversation of one turn."""

    at_ns: int
    number: int
    turn: int
    history: tuple[Message, ...] = ()


class Requests(Protocol):
    """What requests say; see `Workload`."""

    think_ns: int

    def turns(self, number: int, /) -> int:
        """Return how many turns a conversation has."""

    def messages(self, number: int, turn: int, /) -> list[Message]:
        """Return what is asked in one turn."""

    def request(self, number: int, turn: int, history: Sequence[Message], /) -> bytes:
        """Return the bytes of one request."""


class Following(Protocol):
    """What becomes due because a conversation is over."""

    def __call__(self, at_ns: int) -> tuple[int, int] | None:
        """Return (moment, number), or None where that was the last one."""


class LoadAgenda:
    """Gives out what is due, in order, and takes what became of it.

    `arrivals` are (number, moment) in order of time. No more than `most` requests are in flight; one that waits
    for others is told apart from one that the client sends late.
    """

    def __init__(
        self,
        workload: Requests,
        archive: Archive,
        arrivals: Iterable[tuple[int, int]],
        following: Following | None = None,
        most: int | None = None,
    ) -> None:
        self._workload = workload
        self._archive = archive
        self._arrivals: Iterator[tuple[int, int]] = iter(arrivals)
        self._following = following
        self._most = most or NEVER_NS
        self._steps: list[_Step] = []
        self._in_flight: dict[tuple[int, int], _Step] = {}
        self._freed_ns = 0
        self._prepared: tuple[_Step, bytes] | None = None
        self._arrive()

    def next_ns(self) -> int:
        """Return when the next request is due; `NEVER_NS` where none is, or none may be."""
        if not self._steps or len(self._in_flight) >= self._most:
            return NEVER_NS
        return self._steps[0].at_ns

    def prepare(self) -> None:
        """Write the next request, so that its moment need not wait for that."""
        if self._steps and (self._prepared is None or self._prepared[0] != self._steps[0]):
            self._prepared = (self._steps[0], self._written(self._steps[0]))

    def take(self) -> tuple[Due, bytes]:
        """Return the next request."""
        step = heapq.heappop(self._steps)
        if step.turn == 0:
            self._arrive()
        is_prepared = self._prepared is not None and self._prepared[0] == step
        request = self._prepared[1] if is_prepared and self._prepared else self._written(step)
        self._in_flight[step.number, step.turn] = step
        return Due(step.number, step.turn, step.at_ns, max(0, self._freed_ns - step.at_ns)), request

    def over(self, sent: Sent) -> None:
        """Take what became of a request."""
        if len(self._in_flight) >= self._most:
            self._freed_ns = sent.ended_ns
        step = self._in_flight.pop((sent.due.number, sent.due.turn))
        if step.turn + 1 < self._workload.turns(step.number):
            said = self._archive.add_and_read(sent)
            if said is not None:
                asked = self._workload.messages(step.number, step.turn)
                history = (*step.history, *asked, {"role": "assistant", "content": said})
                at_ns = sent.ended_ns + self._workload.think_ns
                heapq.heappush(self._steps, _Step(at_ns, step.number, step.turn + 1, history))
                return
        else:
            self._archive.add(sent)
        follower = self._following(sent.ended_ns) if self._following else None
        if follower is not None:
            heapq.heappush(self._steps, _Step(follower[0], follower[1], 0))

    def _arrive(self) -> None:
        number, at_ns = next(self._arrivals, (-1, 0))
        if number >= 0:
            heapq.heappush(self._steps, _Step(at_ns, number, 0))

    def _written(self, step: _Step) -> bytes:
        return self._workload.request(step.number, step.turn, step.history)


class Streams:
    """A closed loop: each of `count` streams begins at its moment and goes on until the numbers or the time is up."""

    def __init__(self, numbers: Iterable[int], end_ns: int) -> None:
        self._numbers = iter(numbers)
        self._end_ns = end_ns

    def arrivals(self, moments_ns: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield the first request of each stream."""
        for at_ns in moments_ns:
            number = next(self._numbers, -1)
            if number < 0:
                return
            yield number, at_ns

    def __call__(self, at_ns: int) -> tuple[int, int] | None:
        """Return the next request of a stream that has become free."""
        number = next(self._numbers, -1) if at_ns < self._end_ns else -1
        return None if number < 0 else (at_ns, number)
