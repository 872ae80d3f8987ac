"""One table from what paramiko and sockets raise to our reasons. No other file names their exceptions."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from edgectl.engine.faults import FaultKind, HostFault

_ERRNO_KINDS = {
    errno.ECONNREFUSED: FaultKind.REFUSED,
    errno.EHOSTUNREACH: FaultKind.NO_ROUTE,
    errno.ENETUNREACH: FaultKind.NO_ROUTE,
    errno.ENETDOWN: FaultKind.NO_ROUTE,
    errno.ETIMEDOUT: FaultKind.TIMEOUT,
    errno.ECONNRESET: FaultKind.LOST,
    errno.EPIPE: FaultKind.LOST,
}


@contextmanager
def translated(doing: str, otherwise: FaultKind) -> Iterator[None]:
    """Turn what paramiko and sockets raise while `doing` something into a `HostFault`."""
    try:
        yield
    except HostFault:
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise fault_of(error, doing, otherwise) from error


def fault_of(error: Exception, doing: str, otherwise: FaultKind) -> HostFault:
    """Return the fault an exception means; most specific first."""
    match error:
        case paramiko.AuthenticationException():
            return _login_fault(str(error), doing)
        case paramiko.ChannelException():
            return HostFault(FaultKind.CHANNEL, f"{doing}: {error.text}")
        case socket.gaierror():
            return HostFault(FaultKind.DNS, f"{doing}: {error.strerror}")
        case TimeoutError():
            return HostFault(FaultKind.TIMEOUT, f"{doing}: no answer in time")
        case OSError():
            kind = _ERRNO_KINDS.get(error.errno or 0, otherwise)
            return HostFault(kind, f"{doing}: {(error.strerror or str(error)).lower()}")
        case _:
            said = str(error) or "the connection was closed"
            return HostFault(otherwise, f"{doing}: {said}")


def _login_fault(said: str, doing: str) -> HostFault:
    """Tell a refusal from a line that stalled or broke, for which paramiko raises the same exception."""
    if "timeout" in said:
        return HostFault(FaultKind.SILENT, f"{doing}: no answer in time")
    if "saw EOF" in said:
        return HostFault(FaultKind.HANDSHAKE, f"{doing}: the connection was closed")
    return HostFault(FaultKind.AUTH, "the host refuses our login", hint=_AUTH_HINT)


_AUTH_HINT = "check `ssh.user` and `ssh.key` of the host: edgectl inventory show HOST"
