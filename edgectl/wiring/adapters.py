"""Settings become adapters. The one home of late imports, so that `--help` stays fast."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgectl.clock import Clock
from edgectl.engine.contacts import Contacts
from edgectl.engine.ports import HostPool, KeyScanner, Observer
from edgectl.engine.records import Freezes, RunHistory
from edgectl.inventory.model import Fleet
from edgectl.settings import Settings

if TYPE_CHECKING:
    from edgectl.ssh.target import SshDefaults

# More than this in one process only makes every handshake slower: paramiko's work holds one core.
WIDTH = 64


@contextmanager
def ssh_pool(settings: Settings, fleet: Fleet, clock: Clock) -> Iterator[HostPool]:
    """Return a pool of threads that work on hosts over SSH."""
    from edgectl.pools.threads import ThreadPool
    from edgectl.ssh.connector import SshConnector

    handshakes = 2 * (os.cpu_count() or 1)
    connector = SshConnector(_ssh_defaults(settings, fleet), clock, _magic, handshakes=handshakes)
    try:
        yield ThreadPool(connector, clock, WIDTH)
    finally:
        connector.close()


def key_scanner(settings: Settings, fleet: Fleet) -> KeyScanner:
    """Return what reads host keys over SSH."""
    from edgectl.ssh.scan import SshKeyScanner

    return SshKeyScanner(_ssh_defaults(settings, fleet))


@dataclass(frozen=True, slots=True)
class Store:
    """The state store: what writes a run down, what reads runs back, the freezes, and what is known of hosts."""

    recorder: Observer
    history: RunHistory
    freezes: Freezes
    contacts: Contacts


def open_store(settings: Settings, clock: Clock) -> Store:
    """Return the store that the settings name, up to date."""
    from edgectl.store.contacts import SqlContacts
    from edgectl.store.database import open_database
    from edgectl.store.freezes import SqlFreezes
    from edgectl.store.history import History
    from edgectl.store.recorder import Recorder

    engine = open_database(settings.state)
    return Store(Recorder(engine, clock), History(engine), SqlFreezes(engine), SqlContacts(engine))


def from_anywhere(state: str) -> str:
    """Return a store's URL that means the same in another working folder."""
    from sqlalchemy.engine import make_url

    url = make_url(state)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return state
    return url.set(database=str(Path(url.database).absolute())).render_as_string(hide_password=False)


def _ssh_defaults(settings: Settings, fleet: Fleet) -> SshDefaults:
    import paramiko

    from edgectl.ssh.hostkeys import load
    from edgectl.ssh.target import SshDefaults

    config_path = settings.home / ".ssh" / "config"
    config = paramiko.SSHConfig.from_path(str(config_path)) if config_path.exists() else paramiko.SSHConfig()
    return SshDefaults(config, settings.login, settings.home, load(Path(fleet.known_hosts)))


def _magic() -> str:
    return f"EDGECTL-{os.urandom(8).hex()}"
