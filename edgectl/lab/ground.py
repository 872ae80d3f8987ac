"""What the supervisor of a lab needs from the kind of hosts it runs."""

from __future__ import annotations

from typing import Protocol

from edgectl.lab import wire


class Hosts(Protocol):
    """The hosts of one lab."""

    def boot_all(self) -> None:
        """Boot every host and return when all take logins; raises `MissingError` where one does not."""

    def answer(self, request: wire.Packet) -> wire.Packet:
        """Answer `status` or `fault`, as `edgectl.lab.lifecycle` asks for them."""

    def close(self) -> None:
        """End every host."""


class Ground(Protocol):
    """What the hosts of one lab stand on: a keeper process that dies with the supervisor."""

    @property
    def processes(self) -> tuple[int, ...]:
        """The processes whose end is the end of the lab, the supervisor aside."""

    def hosts(self) -> Hosts:
        """Return the hosts, none of them booted."""

    def await_end(self) -> None:
        """Wait until the keeper has ended."""
