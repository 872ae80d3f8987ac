"""From a target to an authenticated transport, each phase with a deadline of its own."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import paramiko

from edgectl.engine.faults import ChangedKey, FaultKind, HostFault
from edgectl.ssh.faults import translated
from edgectl.ssh.hostkeys import HostKey, fingerprint, name_of
from edgectl.ssh.target import Target

_KEEPALIVE_S = 15
# After this long without an acknowledgement the kernel gives the connection up; paramiko never would (#2463).
_TCP_USER_TIMEOUT_MS = 30_000
_TCP_INFO = struct.Struct("=68xI")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds for each phase of a connection, and of silence afterwards."""

    tcp_s: float = 8.0
    handshake_s: float = 20.0
    auth_s: float = 20.0
    channel_s: float = 20.0
    hello_s: float = 30.0
    silence_s: float = 25.0


class QuietTransport(paramiko.Transport):
    """paramiko's transport, waking every five seconds where the original wakes ten times in one."""

    _active_check_timeout = 5.0

    def stop_thread(self) -> None:
        """End the thread at once: it waits in a read that does not end by the socket being closed."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        super().stop_thread()


def open_socket(address: str, port: int, timeout_s: float) -> socket.socket:
    """Connect over TCP, trying each address the name has."""
    with translated(f"connecting to {name_of(address, port)}", FaultKind.NO_ROUTE):
        raw = socket.create_connection((address, port), timeout=timeout_s)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _TCP_USER_TIMEOUT_MS)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return raw


def round_trip_s(raw: socket.socket) -> float | None:
    """Return the round trip of a connection that was just made, as the kernel measured it in TCP's own handshake.

    Time in our own queues is no part of it. Linux: tcp_info.tcpi_rtt in linux/tcp.h, in microseconds behind eight
    bytes and fifteen words; None where there is no such figure.
    """
    try:
        found = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return None
    return _TCP_INFO.unpack(found)[0] / 1e6 if len(found) == _TCP_INFO.size else None


def await_banner(raw: socket.socket, timeout_s: float) -> None:
    """Wait for the server's first byte, which SSH lets the server send at once (RFC 4253, section 4.2).

    So a host that accepts and then says nothing costs nobody a place among the handshakes.
    """
    ready = select.poll()
    ready.register(raw, select.POLLIN)
    if not ready.poll(timeout_s * 1000):
        raw.close()
        message = f"the port is open, but no SSH server spoke within {timeout_s:g} s"
        raise HostFault(FaultKind.SILENT, message, hint="is sshd stuck, or another service on that port?")


def open_transport(
    target: Target, raw: socket.socket | paramiko.Channel, deadlines: Deadlines, agent: Agent
) -> paramiko.Transport:
    """Shake hands, verify the host key, log in. The socket is closed where that fails."""
    try:
        with translated("the SSH handshake", FaultKind.HANDSHAKE):
            transport = QuietTransport(raw)
    except HostFault:
        raw.close()
        raise
    try:
        _shake_hands(transport, target, deadlines)
        _verify(transport, target)
        _log_in(transport, target, agent)
    except HostFault:
        transport.close()
        raise
    transport.set_keepalive(_KEEPALIVE_S)
    return transport


def _shake_hands(transport: paramiko.Transport, target: Target, deadlines: Deadlines) -> None:
    # paramiko's own limits, which close the connection without saying why, come after ours.
    transport.banner_timeout = transport.handshake_timeout = 2 * deadlines.handshake_s
    transport.auth_timeout = deadlines.auth_s
    options = transport.get_security_options()
    pinned = {kind for key in target.host_keys for kind in _offered(key.kind)}
    wanted = [kind for kind in options.key_types if kind in pinned]
    if wanted:
        options.key_types = wanted
    over = threading.Event()
    with translated("the SSH handshake", FaultKind.HANDSHAKE):
        transport.start_client(over)
        if not over.wait(deadlines.handshake_s):
            message = f"the host fell silent in the SSH handshake, for {deadlines.handshake_s:g} s"
            raise HostFault(FaultKind.SILENT, message)
        if not transport.is_active():
            raise transport.get_exception() or EOFError


def _offered(kind: str) -> tuple[str, ...]:
    """An RSA key is offered under the names of its signature algorithms."""
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _verify(transport: paramiko.Transport, target: Target) -> None:
    shown = transport.get_remote_server_key()
    key = HostKey(shown.get_name(), shown.get_base64())
    if key in target.host_keys:
        return
    print_of_shown = fingerprint(shown.asbytes())
    if not target.host_keys:
        message = f"host key unknown: {print_of_shown}"
        raise HostFault(FaultKind.HOST_KEY, message, hint=f"edgectl trust scan {target.name}")
    pinned = ", ".join(sorted(key.fingerprint for key in target.host_keys))
    message = str(ChangedKey(print_of_shown, pinned))
    raise HostFault(FaultKind.HOST_KEY, message, hint=f"edgectl trust check {target.name}")


def _log_in(transport: paramiko.Transport, target: Target, agent: Agent) -> None:
    keys = (private_key(target.key),) if target.key is not None else agent.keys()
    if not keys:
        message = "no key to log in with: the inventory names none, and no agent has one"
        hint = "set `ssh.key` in the inventory, or run ssh-add"
        raise HostFault(FaultKind.KEY_FILE, message, hint=hint)
    refused: HostFault | None = None
    for key in keys:
        try:
            # A refusal says so; whatever else goes wrong here is the line, and may be tried again.
            with translated(f"logging in as {target.user}", FaultKind.HANDSHAKE):
                transport.auth_publickey(target.user, key)
        except HostFault as fault:
            if fault.kind is not FaultKind.AUTH or not transport.is_active():
                raise
            refused = fault
        else:
            return
    if refused is not None:
        message = f"the host refuses to log us in as {target.user}"
        raise HostFault(FaultKind.AUTH, message, hint=refused.hint)


@lru_cache(maxsize=64)
def private_key(path: Path) -> paramiko.PKey:
    """Parse a key file, once per process, with the certificate beside it if there is one."""
    try:
        key: paramiko.PKey = paramiko.PKey.from_path(path)
    except FileNotFoundError:
        hint = "check `ssh.key`: edgectl inventory show HOST"
        raise HostFault(FaultKind.KEY_FILE, f"there is no key file {path}", hint=hint) from None
    except PermissionError:
        raise HostFault(FaultKind.KEY_FILE, f"cannot read the key file {path}") from None
    except (paramiko.SSHException, ValueError, TypeError) as error:
        # paramiko hands through what cryptography says of a locked key in OpenSSH's own format.
        if isinstance(error, paramiko.PasswordRequiredException) or "password-protected" in str(error):
            message = f"the key file {path} has a passphrase"
            raise HostFault(
                FaultKind.KEY_FILE, message, hint=f"ssh-add {path}, and leave `key` out"
            ) from None
        raise HostFault(FaultKind.KEY_FILE, f"{path} is not a private key: {error}") from None
    certificate = path.with_name(path.name + "-cert.pub")
    if certificate.exists():
        key.load_certificate(str(certificate))
    return key


class Agent:
    """The user's SSH agent, asked once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: Sequence[paramiko.PKey] | None = None

    def keys(self) -> Sequence[paramiko.PKey]:
        """Return the agent's keys; none where there is no agent."""
        with self._lock:
            if self._keys is None:
                self._keys = ()
                with contextlib.suppress(paramiko.SSHException, OSError):
                    self._keys = paramiko.Agent().get_keys()
            return self._keys
