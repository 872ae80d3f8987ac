"""One connection per bastion, shared by all hosts behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import paramiko

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.inventory.model import Bastion
from edgectl.ssh.faults import translated


class Bastions:
    """Opens each bastion once; a bastion that went away is opened anew by the next host that needs it."""

    def __init__(self, open_bastion: Callable[[Bastion], paramiko.Transport]) -> None:
        self._open = open_bastion
        self._lock = threading.Lock()
        self._locks: dict[Bastion, threading.Lock] = {}
        self._transports: dict[Bastion, paramiko.Transport] = {}

    def channel_to(self, bastion: Bastion, address: str, port: int, timeout_s: float) -> paramiko.Channel:
        """Return a stream to a host, through the bastion."""
        transport = self._transport(bastion)
        with translated(f"bastion {bastion.address} to {address}:{port}", FaultKind.BASTION):
            return transport.open_channel(
                "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout_s
            )

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            transports = list(self._transports.values())
            self._transports.clear()
        for transport in transports:
            transport.close()

    def _transport(self, bastion: Bastion) -> paramiko.Transport:
        with self._lock:
            lock = self._locks.setdefault(bastion, threading.Lock())
        with lock:
            known = self._transports.get(bastion)
            if known is not None and known.is_active():
                return known
            try:
                opened = self._open(bastion)
            except HostFault as fault:
                message = f"bastion {bastion.address}: {fault.message}"
                kind = fault.kind if fault.is_transient else FaultKind.BASTION
                raise HostFault(kind, message, hint=fault.hint) from fault
            self._transports[bastion] = opened
            return opened
