"""What can go wrong between here and a host, as a closed set; adapters translate theirs into these."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """Why a host could not be talked to."""

    DNS = "dns"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NO_ROUTE = "no-route"
    HANDSHAKE = "handshake"
    HOST_KEY = "host-key"
    AUTH = "auth"
    KEY_FILE = "key-file"
    BASTION = "bastion"
    CHANNEL = "channel"
    NO_PYTHON = "no-python"
    SUDO = "sudo"
    SILENT = "silent"
    PROTOCOL = "protocol"
    LOST = "lost"


# Trying again may help with these; with the others it only locks accounts and hides the cause.
TRANSIENT = frozenset(
    {
        FaultKind.REFUSED,
        FaultKind.TIMEOUT,
        FaultKind.NO_ROUTE,
        FaultKind.HANDSHAKE,
        FaultKind.CHANNEL,
        FaultKind.LOST,
    }
)


# How a changed key is told, and read back where it is told apart from other troubles.
_KEY_CHANGED = re.compile(r"host key changed: (?P<shown>\S+) \(pinned (?P<pinned>[^)]*)\)")


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """A host showed another key than the pinned ones; all as OpenSSH's SHA256 fingerprints."""

    shown: str
    pinned: str  # one or several, with commas between them

    def __str__(self) -> str:
        """Return the fault's words, which `changed_key` reads."""
        return f"host key changed: {self.shown} (pinned {self.pinned})"


def changed_key(reason: str) -> ChangedKey | None:
    """Return the keys that a host's reason speaks of, or None where it is another one."""
    found = _KEY_CHANGED.search(reason)
    return ChangedKey(found["shown"], found["pinned"]) if found else None


class HostFault(Exception):  # noqa: N818 - the field's word; it becomes an outcome, never a traceback
    """Raised by a connector or session; `engine.host_run` turns it into the host's outcome."""

    def __init__(self, kind: FaultKind, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint

    @property
    def is_transient(self) -> bool:
        """Tell whether trying again may help."""
        return self.kind in TRANSIENT
