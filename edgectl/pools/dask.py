"""Hosts worked on by the workers of a Dask scheduler, each host near to where it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from edgectl.clock import Clock
from edgectl.engine.events import RunEvent
from edgectl.engine.ports import Connector, HostWork, NextWork
from edgectl.errors import InputError, MissingError
from edgectl.pools.dask_crew import Came, DaskCrew, Went
from edgectl.pools.foreman import Foreman
from edgectl.remote.job import Job

ENCRYPTED = "tls://"
# How long a run waits for a worker where every one is gone.
_ALONE_S = 60.0


class DaskPool:
    """Each worker listens to `width` hosts at once; those of its own regions may be twice as many.

    `make_connector` is called at each worker, so it has to be picklable. `close` ends their shifts.
    """

    def __init__(
        self, address: str, make_connector: Callable[[], Connector], clock: Clock, *, width: int
    ) -> None:
        self._address = address
        self._make_connector = make_connector
        self._clock = clock
        self._width = width
        self._crew: DaskCrew | None = None

    def check(self, work: Iterable[HostWork]) -> None:
        """Raise `InputError` where secrets would travel in the clear, `MissingError` where no worker can work."""
        carries_secrets = any(isinstance(one.errand, Job) and one.errand.secrets for one in work)
        if carries_secrets and not self._address.startswith(ENCRYPTED):
            message = f"these jobs carry secrets, and {self._address} is not encrypted"
            raise InputError(message, hint="--pool tls://SCHEDULER:8786, or without --pool")
        self._opened()

    def run(self, next_work: NextWork, on_event: Callable[[RunEvent], None], *, hosts: int = 1) -> None:
        """Work until `next_work` has said None and every host has ended; see `HostPool`.

        Raises `MissingError` where the scheduler is gone, or every worker for a while; hosts then go on alone.
        """
        del hosts
        crew = self._opened()
        foreman = Foreman(next_work, on_event, crew.give, self._clock, most_unasked=self._width)
        for came, asks in crew.members():
            foreman.join(came.shift, came.regions, asks=asks)
        alone_since = math.inf
        while not foreman.is_over():
            self._follow(crew, foreman)
            foreman.hand_out()
            if foreman.is_over():
                return
            now = self._clock.monotonic()
            alone_since = math.inf if foreman.has_workers else min(alone_since, now)
            if now - alone_since > _ALONE_S:
                why = f"; {crew.trouble}" if crew.trouble else ""
                message = (
                    f"the Dask scheduler {self._address} has had no worker for us for {_ALONE_S:g} s{why}"
                )
                raise MissingError(message, hint="what runs at hosts goes on: edgectl runs resume")
            for said in crew.hear(foreman.wait_s()):
                foreman.hear(said.shift, said.word)

    def close(self) -> None:
        """Let the workers go."""
        if self._crew is not None:
            self._crew.close()

    @staticmethod
    def _follow(crew: DaskCrew, foreman: Foreman) -> None:
        for change in crew.changes():
            match change:
                case Came():
                    foreman.join(change.shift, change.regions)
                case Went():
                    foreman.lose(change.shift)

    def _opened(self) -> DaskCrew:
        if self._crew is None:
            self._crew = DaskCrew(self._address, self._make_connector, self._clock, self._width)
        return self._crew
