"""The KeyScanner port: a handshake that stops before the login."""

from __future__ import annotations

from edgectl.engine.faults import FaultKind
from edgectl.engine.ports import ShownKey
from edgectl.inventory.model import Host
from edgectl.ssh.dial import Deadlines, QuietTransport, open_socket
from edgectl.ssh.faults import translated
from edgectl.ssh.hostkeys import fingerprint, name_of
from edgectl.ssh.target import SshDefaults, target_of


class SshKeyScanner:
    """Shakes hands with hosts and reads their keys."""

    def __init__(self, defaults: SshDefaults, deadlines: Deadlines | None = None) -> None:
        self._defaults = defaults
        self._deadlines = deadlines or Deadlines()

    def scan(self, host: Host) -> ShownKey:
        """Return the key a host shows, or raise `HostFault`."""
        target = target_of(host, self._defaults)
        raw = open_socket(target.address, target.port, self._deadlines.tcp_s)
        with translated("the SSH handshake", FaultKind.HANDSHAKE):
            transport = QuietTransport(raw)
        try:
            with translated("the SSH handshake", FaultKind.HANDSHAKE):
                transport.start_client(timeout=self._deadlines.handshake_s)
            key = transport.get_remote_server_key()
        finally:
            transport.close()
        line = f"{name_of(target.address, target.port)} {key.get_name()} {key.get_base64()}"
        shown = fingerprint(key.asbytes())
        pinned = {known.fingerprint for known in target.host_keys}
        return ShownKey(host.name, line, shown, shown if shown in pinned else next(iter(sorted(pinned)), ""))
