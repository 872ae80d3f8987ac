"""Hands hosts to workers that have room, and takes them back from workers that die; knows no transport."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.ports import HostWork, NextWork, Pause
from edgectl.pools.handed import Handed
from edgectl.pools.placement import Place, choose
from edgectl.pools.shift import Asked, Heard, Word

Give = Callable[[str, HostWork], None]


class Foreman:
    """One run of a pool of workers. `next_work` is asked only where a worker has said that it has room.

    A worker is named by a text; `give` sends a host to one, and may lose it where the worker is dying.
    """

    def __init__(
        self,
        next_work: NextWork,
        on_event: Callable[[RunEvent], None],
        give: Give,
        clock: Clock,
        *,
        most_unasked: int = 0,
    ) -> None:
        self._next_work = next_work
        self._on_event = on_event
        self._give = give
        self._most_unasked = most_unasked
        self._handed = Handed(clock)
        self._orphans: deque[HostWork] = deque()
        self._places: dict[str, Place] = {}
        self._answer: HostWork | Pause | None = Pause(0)

    def is_over(self) -> bool:
        """Tell whether no host is in flight, and none will come."""
        return self._answer is None and not self._handed

    @property
    def has_workers(self) -> bool:
        """Tell whether there is anybody to hand a host to."""
        return bool(self._places)

    def join(self, worker: str, regions: frozenset[str] = frozenset(), *, asks: bool = False) -> None:
        """Note a new worker."""
        self._places[worker] = Place(regions, asks)

    def hear(self, worker: str, word: Word) -> None:
        """Take what a worker says; one that was lost is not listened to."""
        place = self._places.get(worker)
        if place is None:
            return
        match word:
            case Asked():
                place.asks, place.unasked = True, 0
            case Heard():
                for event in word.events:
                    news = self._handed.news(event, worker)
                    if news is not None:
                        self._on_event(news)

    def lose(self, worker: str) -> None:
        """Note that a worker is gone: others get its hosts, and come back to what was begun there."""
        if self._places.pop(worker, None) is None:
            return
        again, given_up = self._handed.lose(worker)
        self._orphans.extend(again)
        for ended in given_up:
            self._on_event(ended)

    def hand_out(self) -> None:
        """Give a host to every worker that asks for one, as long as there are any."""
        while any(place.asks for place in self._places.values()):
            work = self._next()
            if work is None:
                return
            name = choose(work.host.pop.region, self._places, self._most_unasked)
            place = self._places[name]
            place.unasked += not place.asks
            place.asks = False
            self._handed.give(work, name)
            self._give(name, work)

    def wait_s(self) -> float:
        """Return how long to wait for a worker's word at most; may be infinite."""
        return self._answer.seconds if isinstance(self._answer, Pause) and self._has_room() else math.inf

    def _has_room(self) -> bool:
        return any(place.asks for place in self._places.values())

    def _next(self) -> HostWork | None:
        if self._orphans:
            return self._orphans.popleft()
        if self._answer is not None:
            self._answer = self._next_work()
        return self._answer if isinstance(self._answer, HostWork) else None
