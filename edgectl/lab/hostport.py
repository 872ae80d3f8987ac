"""One lab host as the network sees it: a listening address, its host key, its connections, its faults."""

from __future__ import annotations

import socket
import threading
import weakref

import paramiko

from edgectl.lab.faulty import FaultySocket, LineFaults
from edgectl.lab.hostlink import HostLink
from edgectl.lab.hoststate import HostState
from edgectl.lab.sshd import Login, serve

_BACKLOG = 128


class HostPort:
    """Listens while the host is up and not made unreachable."""

    def __init__(self, address: tuple[str, int], login: Login, host_key: paramiko.PKey) -> None:
        self.address = address
        self.host_key = host_key
        self.state = HostState.DOWN
        self.line = LineFaults()
        self._login = login
        self._link: HostLink | None = None
        self._listener: socket.socket | None = None
        self._connections: weakref.WeakSet[FaultySocket] = weakref.WeakSet()
        self._lock = threading.Lock()

    @property
    def link(self) -> HostLink | None:
        """The line to the host's first process; None while the host is down."""
        return self._link

    def came_up(self, link: HostLink) -> None:
        """Open for connections to a host that has booted."""
        self._link = link
        self.state = HostState.UP
        self.settle()

    def went_down(self, state: HostState) -> None:
        """Drop every connection and refuse new ones."""
        self.state = state
        self._link = None
        self.settle()

    def settle(self) -> None:
        """Listen or not, and drop connections or not, as state and faults demand."""
        wanted = self.state is HostState.UP and not self.line.refuse
        with self._lock:
            if wanted and not self._listener:
                self._open()
            elif not wanted:
                self._close()

    def _open(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        listener.listen(_BACKLOG)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _close(self) -> None:
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept(); closing alone does not
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            connection.drop()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the host is not reachable now
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        link = self._link
        if link is None:
            connection.close()
            return
        line = FaultySocket(connection, self.line)
        with self._lock:
            self._connections.add(line)
        serve(line, self.host_key, self._login, link)
