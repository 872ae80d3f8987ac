"""A connection that is slow or dead while its host's faults say so."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass

_NAP_S = 0.1
_PIECE = 65_536


@dataclass(slots=True)
class LineFaults:
    """What is wrong with the way to a host right now."""

    refuse: bool = False
    silent: bool = False
    slow_s: float = 0.0


class FaultySocket:
    """The part of a socket paramiko uses; looks at the faults anew with each call, so they apply at once."""

    def __init__(self, connection: socket.socket, faults: LineFaults) -> None:
        self._connection = connection
        self._faults = faults
        self._arrived = b""
        self._dropped = False

    @property
    def _closed(self) -> bool:  # paramiko looks at a socket's own private flag
        return self._connection.fileno() < 0

    def recv(self, size: int) -> bytes:
        """Return what arrived, late by the latency."""
        if not self._arrived:
            self._fail_while_silent()
            self._arrived = self._connection.recv(_PIECE)
            time.sleep(self._faults.slow_s)
        piece, self._arrived = self._arrived[:size], self._arrived[size:]
        return piece

    def send(self, piece: bytes) -> int:
        """Send, unless nothing gets through: then time out, as often as asked."""
        self._fail_while_silent()
        return self._connection.send(piece)

    def _fail_while_silent(self) -> None:
        if self._faults.silent and not self._dropped:
            time.sleep(_NAP_S)
            raise TimeoutError

    def drop(self) -> None:
        """End the connection under whoever uses it, from another thread."""
        self._dropped = True
        with contextlib.suppress(OSError):  # the client may have gone first
            self._connection.shutdown(socket.SHUT_RDWR)

    def settimeout(self, seconds: float | None) -> None:
        """Set the deadline of each call."""
        self._connection.settimeout(seconds)

    def getpeername(self) -> tuple[str, int]:
        """Return the client's address and port."""
        address, port = self._connection.getpeername()
        return str(address), int(port)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
