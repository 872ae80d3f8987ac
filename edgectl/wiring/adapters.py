"""Settings become adapters. The one home of late imports, so that `--help` stays fast."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgectl.clock import Clock
from edgectl.engine.bench_records import BenchHistory
from edgectl.engine.certificates import Certificates
from edgectl.engine.contacts import Contacts
from edgectl.engine.health_records import HealthHistory
from edgectl.engine.holds import Holds
from edgectl.engine.lifecycle import Lifecycles
from edgectl.engine.ports import KeyScanner, Observer
from edgectl.engine.records import Freezes, RunHistory
from edgectl.engine.service_records import ServiceHistory
from edgectl.inventory.model import Fleet
from edgectl.settings import Settings

if TYPE_CHECKING:
    from edgectl.ssh.connector import SshConnector
    from edgectl.ssh.hostkeys import KnownHosts
    from edgectl.ssh.target import SshDefaults


def pinned(fleet: Fleet) -> KnownHosts:
    """Return the host keys that are pinned beside the inventory."""
    from edgectl.ssh.hostkeys import load

    return load(Path(fleet.known_hosts))


def ssh_connector(
    settings: Settings, known_hosts: KnownHosts, clock: Clock, *, handshakes: int
) -> SshConnector:
    """Return what opens sessions over SSH; at most so many handshakes are under way at once."""
    from edgectl.ssh.bundle_shelf import BundleShelf
    from edgectl.ssh.connector import SshConnector

    defaults = _ssh_defaults(settings, known_hosts)
    shelf = BundleShelf(settings.cache_folder / "bundles")
    return SshConnector(defaults, clock, _magic, handshakes=handshakes, shelf=shelf)


def key_scanner(settings: Settings, fleet: Fleet) -> KeyScanner:
    """Return what reads host keys over SSH."""
    from edgectl.ssh.scan import SshKeyScanner

    return SshKeyScanner(_ssh_defaults(settings, pinned(fleet)))


@dataclass(frozen=True, slots=True)
class Store:
    """The state store: what writes and reads runs, the freezes, what is known of hosts, cards and servers."""

    recorder: Observer
    history: RunHistory
    freezes: Freezes
    contacts: Contacts
    health: HealthHistory
    bench: BenchHistory
    lifecycles: Lifecycles
    certificates: Certificates
    holds: Holds
    deployed: ServiceHistory


def open_store(settings: Settings, clock: Clock) -> Store:
    """Return the store that the settings name, up to date."""
    from edgectl.store.bench import SqlBenchHistory
    from edgectl.store.certificates import SqlCertificates
    from edgectl.store.contacts import SqlContacts
    from edgectl.store.database import open_database
    from edgectl.store.freezes import SqlFreezes
    from edgectl.store.health import SqlHealthHistory
    from edgectl.store.history import History
    from edgectl.store.holds import SqlHolds
    from edgectl.store.lifecycles import SqlLifecycles
    from edgectl.store.recorder import Recorder
    from edgectl.store.services import SqlServiceHistory

    engine = open_database(settings.state)
    return Store(
        Recorder(engine, clock),
        History(engine),
        SqlFreezes(engine),
        SqlContacts(engine),
        SqlHealthHistory(engine),
        SqlBenchHistory(engine),
        SqlLifecycles(engine),
        SqlCertificates(engine),
        SqlHolds(engine),
        SqlServiceHistory(engine),
    )


def from_anywhere(state: str) -> str:
    """Return a store's URL that means the same in another working folder."""
    from sqlalchemy.engine import make_url

    url = make_url(state)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return state
    return url.set(database=str(Path(url.database).absolute())).render_as_string(hide_password=False)


def _ssh_defaults(settings: Settings, known_hosts: KnownHosts) -> SshDefaults:
    from edgectl.ssh.client_config import client_config
    from edgectl.ssh.target import SshDefaults

    config = client_config(settings.home / ".ssh" / "config")
    return SshDefaults(config, settings.login, settings.home, known_hosts)


def _magic() -> str:
    return f"EDGECTL-{os.urandom(8).hex()}"
