"""Sessions that can all be ended at once, where the process that holds them goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.ports import Connector, Session
from edgectl.inventory.model import Host
from edgectl.remote.errands import Errand
from edgectl.remote.protocol import Message


class Leash:
    """The Connector port over another one."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._lock = threading.Lock()
        self._open: set[_Held] = set()
        self._is_over = False

    def connect(self, host: Host, *, fresh: bool = False, within_s: float | None = None) -> Session:
        """Return a session of the other connector; after `close` there are none."""
        held = _Held(self._connector.connect(host, fresh=fresh, within_s=within_s), self)
        with self._lock:
            if not self._is_over:
                self._open.add(held)
                return held
        held.close()
        raise HostFault(FaultKind.LOST, "this worker was told to stop")

    def close(self) -> None:
        """End every session, and the connector."""
        with self._lock:
            self._is_over = True
            held = list(self._open)
        for session in held:
            session.close()
        self._connector.close()

    def let_go(self, session: _Held) -> None:
        """Forget a session that has ended."""
        with self._lock:
            self._open.discard(session)


class _Held:
    def __init__(self, session: Session, leash: Leash) -> None:
        self.timings = session.timings
        self._session = session
        self._leash = leash

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        """Do the errand; see `engine.ports.Session`."""
        return self._session.run(errand, after=after, confirms=confirms)

    def close(self) -> None:
        """End the connection."""
        self._leash.let_go(self)
        self._session.close()
