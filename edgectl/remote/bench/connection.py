"""A connection to the server that never waits: whoever uses it asks what it waits for, and comes back then."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from typing import Any

from edgectl.remote.bench.failure import CONNECT, RequestFailed
from edgectl.remote.bench.target import Target

READ, WRITE = select.EPOLLIN, select.EPOLLOUT
# A chunk of one token is some 250 bytes; this much takes a burst at once and is no page fault per read.
_READ_BYTES = 64 * 1024
_TRY_S = 5.0


class Route:
    """The way to a server, looked up once, so that no name server is in any figure."""

    def __init__(self, target: Target) -> None:
        self._target = target
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise RequestFailed(CONNECT, f"{target.authority}: {error}") from None
        self._family, self._address = _answering([(entry[0], entry[4]) for entry in found])
        self._secure: Any = None
        if target.tls:
            import ssl

            self._secure = ssl.create_default_context()

    def connection(self) -> Connection:
        """Begin to connect. Raises `RequestFailed`."""
        made = None
        try:
            made = socket.socket(self._family, socket.SOCK_STREAM)
            made.setblocking(False)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._check(made.connect_ex(self._address))
            if self._secure is None:
                return Connection(made, self)
            return SecureConnection(made, self, self._secure, self._target.host)
        except OSError as error:
            if made is not None:
                made.close()
            raise self.failure(error) from None

    def failure(self, error: OSError) -> RequestFailed:
        """Return why no connection could be made."""
        return RequestFailed(CONNECT, f"{self._target.authority}: {error}")

    @staticmethod
    def _check(code: int) -> None:
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))


def _answering(addresses: list[tuple[int, Any]]) -> tuple[int, Any]:
    """Return the first address that somebody listens at, as where `localhost` is ::1 as well; else the first."""
    for family, address in addresses if len(addresses) > 1 else ():
        try:
            with socket.socket(family, socket.SOCK_STREAM) as tried:
                tried.settimeout(_TRY_S)
                tried.connect(address)
        except OSError:
            continue
        return family, address
    return addresses[0]


class Connection:
    """`is_open` once a request may be sent; `is_used` once one was answered."""

    def __init__(self, made: socket.socket, route: Route) -> None:
        self._socket = made
        self._route = route
        self.fd = made.fileno()
        self.waits_for = 0  # what it is registered for with epoll
        self.is_open = False
        self.is_used = False

    def close(self) -> None:
        """Close; never raises."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def advance(self) -> int:
        """Go on connecting; return what that waits for, 0 once it is open. Raises `RequestFailed`."""
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise self._route.failure(OSError(code, os.strerror(code)))
        try:
            self._socket.getpeername()
        except OSError:
            return WRITE
        self.is_open = True
        return 0

    def send(self, rest: memoryview) -> int:
        """Hand bytes to the kernel; return how many it took. Raises `OSError`."""
        try:
            return self._socket.send(rest)
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        """Return what has arrived: b"" at the end of it all, None where it is nothing yet. Raises `OSError`."""
        try:
            return self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return None

    def receive_more(self) -> bytes | None:
        """Return what came with the last piece, and is no longer with the kernel; None for nothing."""
        return None


class SecureConnection(Connection):
    """The same over TLS, which may have more to read than the kernel knows of."""

    def __init__(self, made: socket.socket, route: Route, secure: Any, host: str) -> None:
        super().__init__(made, route)
        self._secure, self._host = secure, host
        self._tls: Any = None

    def advance(self) -> int:
        """Go on with the handshake; see `Connection.advance`."""
        import ssl

        if self._tls is None:
            waits_for = super().advance()
            if waits_for:
                return waits_for
            self.is_open = False
            self._tls = self._secure.wrap_socket(
                self._socket, server_hostname=self._host, do_handshake_on_connect=False
            )
            self._socket = self._tls
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except OSError as error:
            raise self._route.failure(error) from None
        self.is_open = True
        return 0

    def send(self, rest: memoryview) -> int:
        """See `Connection.send`."""
        import ssl

        try:
            return int(self._tls.send(rest))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def receive(self) -> bytes | None:
        """See `Connection.receive`."""
        import ssl

        try:
            return bytes(self._tls.recv(_READ_BYTES))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLEOFError:
            return b""

    def receive_more(self) -> bytes | None:
        """See `Connection.receive_more`."""
        return self.receive() if self._tls.pending() else None
