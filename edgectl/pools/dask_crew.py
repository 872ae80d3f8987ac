"""The workers of a Dask scheduler, as far as a pool needs them: one shift at each."""

from __future__ import annotations

import contextlib
import itertools
import logging
import pickle
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import distributed

from edgectl.clock import Clock
from edgectl.engine.ports import Connector, HostWork
from edgectl.errors import MissingError
from edgectl.pools import dask_worker
from edgectl.pools.dask_worker import BEAT, BEAT_S, MOST_WORDS, STOP
from edgectl.pools.parcels import Packer
from edgectl.pools.shift import Asked, Word

_log = logging.getLogger(__name__)

_CONNECT_S = 10.0
# How often we look who has come and gone.
_LOOK_S = 1.0
_REGION = "region-"


@dataclass(frozen=True, slots=True)
class Came:
    """A worker has a shift now; `regions` are those it is near to."""

    shift: str
    regions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Went:
    """A worker is gone, or its shift has ended."""

    shift: str


@dataclass(frozen=True, slots=True)
class Said:
    """A shift has something to say."""

    shift: str
    word: Word


@dataclass(slots=True)
class _Shift:
    worker: str
    regions: frozenset[str]
    orders: distributed.Queue
    packer: Packer
    future: distributed.Future
    asks: bool = False


class DaskCrew:
    """Keeps a shift at every worker of the scheduler that runs the same edgectl.

    Events come over one bounded queue, in batches. Dask's logged events would stay at the scheduler, 100,000 of a
    topic, and cannot hold a fast worker back; an actor would be lost with its worker, and asked by polling.
    """

    def __init__(
        self, address: str, make_connector: Callable[[], Connector], clock: Clock, width: int
    ) -> None:
        self._make_connector = make_connector
        self._clock = clock
        self._width = width
        self._id = f"edgectl-{secrets.token_hex(6)}"
        self._numbers = itertools.count(1)
        self._shifts: dict[str, _Shift] = {}
        self._refused: set[str] = set()
        self.trouble = ""  # why a shift ended by itself, where one did
        self._looked = -_LOOK_S
        self._heard: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
        self._over = threading.Event()
        self._client = _connected(address)
        try:
            self._require_same_version()
            self._words = distributed.Queue(f"{self._id}-words", client=self._client, maxsize=MOST_WORDS)
        except BaseException:
            self._client.close()
            raise
        for task, name in ((self._receive, "words"), (self._beat, "beats")):
            threading.Thread(target=task, name=f"dask {name}", daemon=True).start()

    def members(self) -> list[tuple[Came, bool]]:
        """Return the shifts there are, and whether each one asks for a host."""
        return [(Came(name, shift.regions), shift.asks) for name, shift in self._shifts.items()]

    def changes(self) -> Iterator[Came | Went]:
        """Yield what has changed since the last look, which is seldom enough for the scheduler."""
        if self._clock.monotonic() < self._looked + _LOOK_S:
            return
        self._looked = self._clock.monotonic()
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        for name, shift in list(self._shifts.items()):
            if shift.worker not in workers or shift.future.done():
                self._dismiss(name)
                yield Went(name)
        taken = {shift.worker for shift in self._shifts.values()} | self._refused
        for address in workers.keys() - taken:
            if self._is_same_version(address):
                yield self._hire(address, workers[address])

    def give(self, name: str, work: HostWork) -> None:
        """Send a host to a shift; where its worker is gone, `changes` will say so."""
        shift = self._shifts[name]
        shift.asks = False
        shift.orders.put(pickle.dumps(shift.packer.pack(work)))

    def hear(self, at_most_s: float) -> list[Said]:
        """Wait until a shift says something, or it is time for another look."""
        said: list[Said] = []
        with contextlib.suppress(queue.Empty):
            said.append(self._said(self._heard.get(timeout=min(at_most_s, _LOOK_S))))
            while True:
                said.append(self._said(self._heard.get_nowait()))
        return said

    def close(self) -> None:
        """End every shift; what runs at hosts goes on there."""
        self._over.set()
        with contextlib.suppress(Exception):  # a scheduler that is gone has no shifts either
            for name in list(self._shifts):
                self._shifts[name].orders.put(STOP, timeout=_CONNECT_S)
                self._shifts[name].orders.close()
            self._words.close()
        self._client.close()

    def _said(self, heard: Said | Exception) -> Said:
        if isinstance(heard, Exception):
            hint = "what runs at hosts goes on: edgectl runs resume"
            raise MissingError(f"the Dask scheduler is gone: {_said_by(heard)}", hint=hint)
        if heard.shift in self._shifts and isinstance(heard.word, Asked):
            self._shifts[heard.shift].asks = True
        return heard

    def _hire(self, address: str, worker: Mapping[str, Any]) -> Came:
        name = f"{self._id}-{next(self._numbers)}"
        orders = distributed.Queue(f"{name}-orders", client=self._client)
        future = self._client.submit(
            dask_worker.serve,
            name,
            orders.name,
            self._words.name,
            self._make_connector,
            self._width,
            key=name,
            workers=[address],
            pure=False,
        )
        regions = frozenset(
            resource.removeprefix(_REGION)
            for resource in worker.get("resources", {})
            if resource.startswith(_REGION)
        )
        self._shifts[name] = _Shift(address, regions, orders, Packer(self._clock), future)
        return Came(name, regions)

    def _dismiss(self, name: str) -> None:
        shift = self._shifts.pop(name)
        if shift.future.status == "error":
            self.trouble = f"the shift at {shift.worker} ended: {_said_by(shift.future.exception())}"
            _log.error(self.trouble)
            self._refused.add(shift.worker)
        shift.future.cancel()
        shift.orders.close()

    def _require_same_version(self) -> None:
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            address = self._client.scheduler.address
            raise MissingError(f"the Dask scheduler {address} has no workers", hint=f"dask worker {address}")
        others = [said for address in workers if (said := self._other_version(address))]
        if others:
            hint = f"install edgectl {dask_worker.version().split(',')[0]} at every worker"
            raise MissingError("\n".join(others), hint=hint)

    def _is_same_version(self, address: str) -> bool:
        """Tell whether a worker that came later can work for us; one that cannot is left alone."""
        said = self._other_version(address)
        if said:
            _log.warning("%s; it gets no hosts", said)
            self._refused.add(address)
        return not said

    def _other_version(self, address: str) -> str:
        ours = dask_worker.version()
        try:
            theirs = self._client.run(dask_worker.version, workers=[address])[address]
        except Exception as error:  # noqa: BLE001 - whatever its Python raises, for want of edgectl or in it
            return f"the Dask worker {address} cannot run edgectl: {_said_by(error)}"
        return "" if theirs == ours else f"the Dask worker {address} runs edgectl {theirs}, this is {ours}"

    def _receive(self) -> None:
        try:
            while not self._over.is_set():
                first = self._words.get()
                for name, packed in [first, *self._words.get(batch=True)]:
                    self._heard.put(Said(name, pickle.loads(packed)))  # noqa: S301 - Dask itself travels so
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread that waits must hear of it
            self._heard.put(error)

    def _beat(self) -> None:
        with contextlib.suppress(Exception):  # `_receive` says that the scheduler is gone
            while not self._over.wait(BEAT_S):
                for shift in list(self._shifts.values()):
                    shift.orders.put(BEAT)


def _said_by(error: Exception) -> str:
    """Return an error's first line, or its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _connected(address: str) -> distributed.Client:
    try:
        return distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, RuntimeError, TypeError, ValueError) as error:
        hint = "is it up? for tls:// Dask's own settings name the certificates: distributed.comm.tls"
        raise MissingError(
            f"cannot reach the Dask scheduler at {address}: {_said_by(error)}", hint=hint
        ) from None
