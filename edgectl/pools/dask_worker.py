"""A Dask worker's side: a shift whose orders and words go through queues at the scheduler.

A shift ends when its controller says so, or has not been heard of for a while: controllers die, and workers serve
others after them.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable

import distributed

from edgectl import __version__
from edgectl.clock import Clock, SystemClock
from edgectl.engine.ports import Connector
from edgectl.pools.leash import Leash
from edgectl.pools.parcels import Unpacker
from edgectl.pools.shift import Shift, Word
from edgectl.remote.protocol import VERSION

# Sent every so often by a controller that lives; and the end of a shift.
BEAT = b""
STOP = b"stop"
BEAT_S = 10.0
_SILENCE_S = 60.0
# Batches of events on their way, of all workers together: where the controller is slow, workers wait.
MOST_WORDS = 256

_log = logging.getLogger(__name__)


def version() -> str:
    """Return what has to be the same at a controller and its workers."""
    return f"{__version__}, protocol {VERSION}"


def serve(name: str, orders: str, words: str, make_connector: Callable[[], Connector], width: int) -> None:
    """Work until the controller says that it is over, or dies."""
    # It lasts as long as the run, and mostly waits: another controller's shift must not have to wait for it.
    distributed.secede()
    client = distributed.get_client()
    told = distributed.Queue(words, client=client, maxsize=MOST_WORDS)
    given = distributed.Queue(orders, client=client)

    def tell(word: Word) -> None:
        told.put([name, pickle.dumps(word)], timeout=_SILENCE_S)

    clock = SystemClock()
    leash = Leash(make_connector())
    shift = Shift(leash, clock, width, tell)
    threading.Thread(target=_take, args=(given, shift, clock), name=f"{name} orders", daemon=True).start()
    try:
        shift.serve()
    finally:
        leash.close()


def _take(given: distributed.Queue, shift: Shift, clock: Clock) -> None:
    unpacker = Unpacker(clock)
    try:
        # The timeout is a last resort: the scheduler logs each one as an error.
        while (order := given.get(timeout=_SILENCE_S)) != STOP:
            if order != BEAT:
                shift.give(unpacker.unpack(pickle.loads(order)))  # noqa: S301 - Dask itself travels so
    except Exception:  # noqa: BLE001 - a shard worker is one of the five broad places
        _log.exception("a shift ends without its controller's word")
    finally:
        shift.stop()
