"""The Connector port on paramiko."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import paramiko
import tenacity

from edgectl.clock import Clock
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.ports import Timings
from edgectl.inventory.model import Bastion, Host
from edgectl.ssh.bastion import Bastions
from edgectl.ssh.bundle_shelf import BundleShelf
from edgectl.ssh.dial import Agent, Deadlines, await_banner, open_socket, open_transport, round_trip_s
from edgectl.ssh.session import Login, SshSession
from edgectl.ssh.target import SshDefaults, Target, bastion_target, target_of

_ATTEMPTS = 3
# A server that sheds load (MaxStartups) drops handshakes at once and at random; measured with eight hosts behind one
# that lets two through, three attempts were too few in one of ten runs.
_HANDSHAKE_ATTEMPTS = 6


class SshConnector:
    """Opens sessions; limits handshakes in flight, since they and not open connections cost CPU."""

    def __init__(
        self,
        defaults: SshDefaults,
        clock: Clock,
        magic: Callable[[], str],
        *,
        deadlines: Deadlines | None = None,
        handshakes: int = 8,
        shelf: BundleShelf | None = None,
    ) -> None:
        self._defaults = defaults
        self._clock = clock
        self._magic = magic
        self._deadlines = deadlines or Deadlines()
        self._handshakes = threading.BoundedSemaphore(handshakes)
        self._agent = Agent()
        self._shelf = shelf or BundleShelf()
        self._bastions = Bastions(self._open_bastion)

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> SshSession:
        """Return a session with `host`, or raise `HostFault`; transient faults were tried again a few times.

        A `fresh` one opens a connection of its own to the bastion, too: what others share proves nothing anew.
        """
        target = target_of(host, self._defaults)
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: isinstance(e, HostFault) and e.is_transient),
            stop=_is_enough,
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=2.0),
            sleep=self._clock.sleep,
            reraise=True,
        )
        bastions = Bastions(self._open_bastion) if fresh else self._bastions
        tcp_s = self._deadlines.tcp_s if within_s is None else min(within_s, self._deadlines.tcp_s)
        transport, timings = attempts(self._open, target, bastions, tcp_s)
        beneath = bastions.close if fresh else lambda: None
        login = Login(transport, timings, beneath)
        return SshSession(login, self._magic(), self._deadlines, self._clock, self._shelf)

    def close(self) -> None:
        """Close the shared bastions."""
        self._bastions.close()

    def _open(self, target: Target, bastions: Bastions, tcp_s: float) -> tuple[paramiko.Transport, Timings]:
        """Return a login and what it took; the wait for a place among the handshakes is ours, not the host's."""
        began = self._clock.monotonic()
        raw = _stream(target, bastions, tcp_s)
        connected = self._clock.monotonic()
        rtt_s = None
        if isinstance(raw, socket.socket):
            rtt_s = round_trip_s(raw)
            await_banner(raw, self._deadlines.handshake_s)
        waits = self._clock.monotonic()
        with self._handshakes:
            admitted = self._clock.monotonic()
            transport = open_transport(target, raw, self._deadlines, self._agent)
        login_s = waits - connected + self._clock.monotonic() - admitted
        return transport, Timings(connected - began, login_s, rtt_s)

    def _open_bastion(self, bastion: Bastion) -> paramiko.Transport:
        target = bastion_target(bastion, self._defaults)
        return self._open(target, self._bastions, self._deadlines.tcp_s)[0]


def _stream(target: Target, bastions: Bastions, timeout_s: float) -> socket.socket | paramiko.Channel:
    if target.bastion is None:
        return open_socket(target.address, target.port, timeout_s)
    return bastions.channel_to(target.bastion, target.address, target.port, timeout_s)


def _is_enough(state: tenacity.RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    was_dropped = isinstance(error, HostFault) and error.kind is FaultKind.HANDSHAKE
    return state.attempt_number >= (_HANDSHAKE_ATTEMPTS if was_dropped else _ATTEMPTS)
