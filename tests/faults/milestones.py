"""What an SSH server has said so far, read from its bytes while they are still in the clear (RFC 4253)."""

from __future__ import annotations

from enum import Enum

_KEXINIT, _NEWKEYS = 20, 21


class Milestone(Enum):
    """A moment of a connection's beginning, just behind these bytes of the server's."""

    ACCEPT = "accept"  # before its first byte
    BANNER = "banner"
    KEXINIT = "kexinit"
    NEWKEYS = "newkeys"


_PACKETS = {_KEXINIT: Milestone.KEXINIT, _NEWKEYS: Milestone.NEWKEYS}


class Milestones:
    """Looks for one milestone in a server's bytes."""

    def __init__(self, wanted: Milestone | None) -> None:
        self._wanted = wanted
        self._said = b""
        self._parsed = 0

    def found_in(self, piece: bytes) -> int | None:
        """Return how much of this next piece stands before the milestone's end, or None where it is not in it."""
        if self._wanted is None:
            return None
        before = len(self._said)
        if self._wanted is Milestone.ACCEPT:
            return 0
        self._said += piece
        while (step := self._next()) is not None:
            if step is self._wanted:
                self._wanted = None
                return self._parsed - before
        return None

    def _next(self) -> Milestone | str | None:
        """Parse one more line or packet; None where it is not there in full."""
        rest = self._said[self._parsed :]
        if self._parsed == 0:
            at = rest.find(b"\n")
            if at < 0:
                return None
            self._parsed = at + 1
            return Milestone.BANNER
        if len(rest) < 6 or len(rest) < 4 + int.from_bytes(rest[:4]):
            return None
        self._parsed += 4 + int.from_bytes(rest[:4])
        return _PACKETS.get(rest[5], "another packet")
