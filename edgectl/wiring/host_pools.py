"""Where the hosts of a run are worked on: `--pool` becomes a pool. Late imports, as in `adapters`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from edgectl.clock import Clock
from edgectl.engine.ports import HostPool
from edgectl.errors import MissingError, UsageError
from edgectl.inventory.model import Fleet
from edgectl.settings import Settings
from edgectl.wiring.adapters import pinned, ssh_connector

if TYPE_CHECKING:
    from edgectl.ssh.hostkeys import KnownHosts

# More than this in one process only makes every handshake slower: paramiko's work holds one core.
WIDTH = 64
# A process starts within the time of so many handshakes.
HOSTS_PER_PROCESS = 100

_FORMS = "threads, processes, processes:N, dask://SCHEDULER:PORT, tls://SCHEDULER:PORT"


@contextmanager
def open_pool(settings: Settings, fleet: Fleet, clock: Clock) -> Iterator[HostPool]:
    """Yield the pool that the settings name; what it holds open is closed behind it. Raises `UsageError`."""
    kind, _, rest = settings.pool.partition(":")
    pins = pinned(fleet)
    match kind:
        case "" if not settings.pool:
            pool = _by_size(settings, pins, clock)
        case "threads" if not rest:
            pool = _threads(settings, pins, clock)
        case "processes" if not rest or (rest.isdecimal() and int(rest) > 0):
            pool = _processes(settings, pins, clock, int(rest or _cores()), 1)
        case "dask" | "tls" if len(rest) > len("//"):
            pool = _dask(f"{'tls' if kind == 'tls' else 'tcp'}:{rest}", settings, pins, clock)
        case _:
            raise UsageError(f"--pool {settings.pool}: there is no such pool; there are {_FORMS}")
    with pool as opened:
        yield opened


@contextmanager
def _by_size(settings: Settings, pins: KnownHosts, clock: Clock) -> Iterator[HostPool]:
    with _threads(settings, pins, clock) as threads:
        if _cores() == 1:
            yield threads
            return
        from edgectl.pools.sized import SizedPool

        with _processes(settings, pins, clock, _cores(), HOSTS_PER_PROCESS) as processes:
            yield SizedPool(threads, processes, enough=2 * HOSTS_PER_PROCESS)


@contextmanager
def _threads(settings: Settings, pins: KnownHosts, clock: Clock) -> Iterator[HostPool]:
    from edgectl.pools.threads import ThreadPool

    connector = ssh_connector(settings, pins, clock, handshakes=2 * _cores())
    with closing(connector):
        yield ThreadPool(connector, clock, WIDTH)


@contextmanager
def _processes(
    settings: Settings, pins: KnownHosts, clock: Clock, workers: int, hosts_per_worker: int
) -> Iterator[HostPool]:
    from edgectl.pools.processes import ProcessPool
    from edgectl.wiring.shard_process import ProcessShard

    shard = ProcessShard(settings, pins)
    pool = ProcessPool(shard, clock, workers=workers, width=WIDTH, hosts_per_worker=hosts_per_worker)
    with closing(pool):
        yield pool


@contextmanager
def _dask(address: str, settings: Settings, pins: KnownHosts, clock: Clock) -> Iterator[HostPool]:
    try:
        from edgectl.pools.dask import DaskPool
    except ImportError as error:
        hint = "pip install 'edgectl[dask]'"
        raise MissingError(f"a pool of Dask workers needs {error.name}", hint=hint) from None
    from edgectl.wiring.shard_process import DaskShard

    shard = DaskShard(settings.login, pins)
    with closing(DaskPool(address, shard, clock, width=WIDTH)) as pool:
        yield pool


def _cores() -> int:
    return len(os.sched_getaffinity(0))
