from __future__ import annotations

import errno
import socket

import paramiko
import pytest

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.ssh.faults import fault_of, translated

TABLE = [
    (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), FaultKind.REFUSED),
    (OSError(errno.EHOSTUNREACH, "No route to host"), FaultKind.NO_ROUTE),
    (OSError(errno.ENETUNREACH, "Network is unreachable"), FaultKind.NO_ROUTE),
    (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), FaultKind.LOST),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), FaultKind.LOST),
    (TimeoutError("timed out"), FaultKind.TIMEOUT),
    (OSError(errno.ETIMEDOUT, "Connection timed out"), FaultKind.TIMEOUT),
    (socket.gaierror(-2, "Name or service not known"), FaultKind.DNS),
    (paramiko.AuthenticationException("Authentication failed."), FaultKind.AUTH),
    (paramiko.AuthenticationException("Authentication timeout."), FaultKind.SILENT),
    (
        paramiko.AuthenticationException("Authentication failed: transport shut down or saw EOF"),
        FaultKind.HANDSHAKE,
    ),
    (paramiko.BadAuthenticationType("Bad", ["password"]), FaultKind.AUTH),
    (paramiko.ChannelException(2, "Connect failed"), FaultKind.CHANNEL),
    (paramiko.SSHException("No existing session"), FaultKind.HANDSHAKE),
    (EOFError(), FaultKind.HANDSHAKE),
    (OSError("odd"), FaultKind.HANDSHAKE),
]


@pytest.mark.parametrize(("error", "kind"), TABLE, ids=repr)
def test_what_the_libraries_raise_has_one_reason(error: Exception, kind: FaultKind) -> None:
    fault = fault_of(error, "connecting to h", FaultKind.HANDSHAKE)

    assert fault.kind is kind
    assert fault.message


def test_a_fault_is_not_translated_twice_and_a_bug_not_at_all() -> None:
    fault = HostFault(FaultKind.SUDO, "refused")
    with pytest.raises(HostFault) as caught, translated("x", FaultKind.LOST):
        raise fault
    assert caught.value is fault
    with pytest.raises(ZeroDivisionError), translated("x", FaultKind.LOST):
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", [FaultKind.AUTH, FaultKind.HOST_KEY, FaultKind.KEY_FILE, FaultKind.SUDO])
def test_a_refusal_is_never_tried_again(kind: FaultKind) -> None:
    assert not HostFault(kind, "").is_transient
