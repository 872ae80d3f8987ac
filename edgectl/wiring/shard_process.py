"""What a worker builds its adapters from: settings travel, objects do not, and keys neither."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgectl.clock import SystemClock
from edgectl.engine.ports import Connector
from edgectl.logs import log_to_file
from edgectl.settings import Settings, read_settings
from edgectl.ssh.hostkeys import KnownHosts

# A worker has one core to itself: while one handshake computes, others wait for their hosts.
HANDSHAKES = 4


@dataclass(frozen=True, slots=True)
class ProcessShard:
    """Makes the connector of a worker process on this machine."""

    settings: Settings
    known_hosts: KnownHosts

    def __call__(self) -> Connector:
        """Return the connector, and send the process's log where the parent's goes."""
        from edgectl.wiring.adapters import ssh_connector

        clock = SystemClock()
        log_to_file(self.settings.log_folder, clock.now())
        return ssh_connector(self.settings, self.known_hosts, clock, handshakes=HANDSHAKES)


@dataclass(frozen=True, slots=True)
class DaskShard:
    """Makes the connector of a Dask worker, on a machine of its own.

    Keys, agent and ssh_config are the worker's. What is pinned and who logs in are the controller's word.
    """

    login: str
    known_hosts: KnownHosts

    def __call__(self) -> Connector:
        """Return the connector."""
        from edgectl.wiring.adapters import ssh_connector

        settings = replace(read_settings(), login=self.login)
        return ssh_connector(settings, self.known_hosts, SystemClock(), handshakes=HANDSHAKES)
