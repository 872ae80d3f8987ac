"""The worker process of `processes`: a shift, at the other end of a pipe. It does not outlive its parent."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from edgectl.clock import SystemClock
from edgectl.engine.ports import Connector
from edgectl.pools.parcels import Unpacker
from edgectl.pools.shift import Shift

_log = logging.getLogger(__name__)


def serve(pipe: Connection, make_connector: Callable[[], Connector], width: int) -> None:
    """Work until the parent closes its end, or dies."""
    clock = SystemClock()
    shift = Shift(make_connector(), clock, width, pipe.send)
    threading.Thread(target=_take, args=(pipe, shift, Unpacker(clock)), name="parent", daemon=True).start()
    try:
        shift.serve()
    except OSError:
        _leave()


def _take(pipe: Connection, shift: Shift, unpacker: Unpacker) -> None:
    try:
        while True:
            shift.give(unpacker.unpack(pipe.recv()))
    except (EOFError, OSError):
        pass
    except Exception:  # noqa: BLE001 - a shard worker is one of the five broad places
        # A worker that takes nothing any more must not look alive.
        _log.exception("a bug in edgectl: a worker cannot read what it is given")
    finally:
        _leave()


def _leave() -> None:
    """End at once: what runs at hosts goes on there, and nobody is left to tell."""
    os._exit(0)
