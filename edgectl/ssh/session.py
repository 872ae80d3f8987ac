"""One connection, one exec, one job: bytes in, a stream of decoded messages out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import paramiko

from edgectl.clock import Clock
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.ports import Timings
from edgectl.remote.errands import Errand
from edgectl.remote.job import Job
from edgectl.remote.protocol import Hello, Message, decode_message
from edgectl.ssh.bundle_shelf import BundleShelf
from edgectl.ssh.dial import Deadlines
from edgectl.ssh.faults import translated
from edgectl.ssh.loader import LACKS, command_line, payload

BECOME_PASSWORD = "become_password"  # noqa: S105 - the name of a secret, not its value

_READ_BYTES = 64 * 1024
_POLL_S = 1.0
_NOISE_LIMIT_BYTES = 2048
_LINE_LIMIT_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Login:
    """An authenticated transport, how long it took to come to it, and what is closed with it."""

    transport: paramiko.Transport
    timings: Timings | None = None
    close_beneath: Callable[[], None] = lambda: None


class SshSession:
    """An authenticated connection to one host."""

    def __init__(
        self, login: Login, magic: str, deadlines: Deadlines, clock: Clock, shelf: BundleShelf
    ) -> None:
        self.timings = login.timings
        self._transport = login.transport
        self._close_beneath = login.close_beneath
        self._magic = magic
        self._deadlines = deadlines
        self._clock = clock
        self._shelf = shelf
        self._noise = b""
        self._greeted = False

    def run(self, errand: Errand, *, after: int, confirms: int | None = None) -> Iterator[Message]:
        """Do an errand; see `engine.ports.Session`."""
        with translated("opening a channel", FaultKind.CHANNEL):
            channel = self._transport.open_session(timeout=self._deadlines.channel_s)
            channel.settimeout(_POLL_S)
            channel.exec_command(command_line(self._magic, become=errand.become))
        sent = payload(errand, self._magic, self._shelf, after=after, confirms=confirms)
        self._send(channel, self._password(errand) + sent.opening)
        self._greeted = False
        for line in self._frames(channel):
            if line == LACKS:
                self._send(channel, sent.code)
                continue
            if not self._greeted:
                self._say_no_more(channel)
            message = self._decoded(line)
            if isinstance(message, Hello):
                self._greeted = True
                channel.settimeout(self._deadlines.silence_s)
            yield message

    def close(self) -> None:
        """End the connection, and what was opened for it alone."""
        self._transport.close()
        self._close_beneath()

    @staticmethod
    def _password(errand: Errand) -> bytes:
        password = errand.secrets.get(BECOME_PASSWORD, "") if isinstance(errand, Job) else ""
        return f"{password}\n".encode() if errand.become else b""

    def _send(self, channel: paramiko.Channel, content: bytes) -> None:
        give_up = self._clock.monotonic() + self._deadlines.hello_s
        rest = memoryview(content)
        with translated("sending the job", FaultKind.LOST):
            while rest and not _is_over(channel):
                sent = _sent(channel, bytes(rest[:_READ_BYTES]))
                if sent == 0 and self._clock.monotonic() > give_up:
                    raise HostFault(FaultKind.SILENT, "the host does not read the job")
                rest = rest[sent:]

    @staticmethod
    def _say_no_more(channel: paramiko.Channel) -> None:
        """End the host's stdin: what stands between it and the runner, such as sudo's cat, ends with the runner."""
        with translated("sending the job", FaultKind.LOST):
            if not _is_over(channel):
                channel.shutdown_write()

    def _frames(self, channel: paramiko.Channel) -> Iterator[str]:
        """Yield the lines that carry our magic; everything else is a banner, or a profile that prints."""
        begins = self._magic.encode() + b" "
        buffer = b""
        for chunk in self._chunks(channel):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            if len(buffer) > _LINE_LIMIT_BYTES:
                raise HostFault(FaultKind.PROTOCOL, "the host sent a line without end")
            for line in lines:
                at = line.find(begins)
                if at >= 0:
                    yield line[at + len(begins) :].decode("utf-8", "replace")
                else:
                    self._hear(line + b"\n")
        self._ended(channel)

    def _chunks(self, channel: paramiko.Channel) -> Iterator[bytes]:
        heard = self._clock.monotonic()
        while True:
            try:
                with translated("reading", FaultKind.LOST):
                    chunk = channel.recv(_READ_BYTES)
            except HostFault as fault:
                if fault.kind is not FaultKind.TIMEOUT:
                    raise
                if self._greeted:
                    raise self._silence(self._deadlines.silence_s) from None
                if self._clock.monotonic() - heard > self._deadlines.hello_s:
                    raise self._silence(self._deadlines.hello_s) from None
                continue
            finally:
                self._hear_errors(channel)
            if not chunk:
                return
            heard = self._clock.monotonic()
            yield chunk

    def _hear_errors(self, channel: paramiko.Channel) -> None:
        while channel.recv_stderr_ready():
            self._hear(channel.recv_stderr(_READ_BYTES))

    def _hear(self, noise: bytes) -> None:
        self._noise = (self._noise + noise)[-_NOISE_LIMIT_BYTES:]

    def _silence(self, limit: float) -> HostFault:
        if self._greeted:
            return HostFault(FaultKind.SILENT, f"no sign of life for {limit:g} s")
        said = f", it said: {self._last_words()}" if self._noise.strip() else ""
        message = f"the login succeeded, but no answer within {limit:g} s{said}"
        return HostFault(FaultKind.SILENT, message, hint="a login profile that waits? try: ssh HOST true")

    def _ended(self, channel: paramiko.Channel) -> None:
        """The stream is over; that is a fault, since the caller stops reading when the job has ended."""
        # paramiko ends the channels of a lost connection a moment before it says that the connection is lost; a shell
        # that ended says with what.
        if not self._transport.is_active() or not (self._greeted or channel.exit_status_ready()):
            raise HostFault(FaultKind.LOST, "the connection was closed")
        said = f": {self._last_words()}" if self._noise.strip() else ""
        if self._greeted:
            raise HostFault(FaultKind.LOST, f"the runner went away{said}")
        status = channel.recv_exit_status()
        raise HostFault(FaultKind.PROTOCOL, f"the host's shell ended with {status}{said}")

    def _last_words(self) -> str:
        said = self._noise.decode("utf-8", "replace").strip().splitlines() or [""]
        return said[-1][:200]

    def _decoded(self, line: str) -> Message:
        if line.startswith("no-python"):
            message = "no Python 3.9 or later on this host"
            raise HostFault(
                FaultKind.NO_PYTHON, message, hint="install python3, or put it on the login's PATH"
            )
        if line.startswith("no-sudo"):
            said = line.removeprefix("no-sudo").strip()
            hint = f"give the play a secret named {BECOME_PASSWORD}, or allow NOPASSWD"
            raise HostFault(FaultKind.SUDO, f"sudo refuses us: {said}", hint=hint)
        try:
            return decode_message(line)
        except ValueError as error:
            raise HostFault(FaultKind.PROTOCOL, f"the host sent something else: {error}") from None


def _is_over(channel: paramiko.Channel) -> bool:
    """Tell whether the host's end is done already; what it said before that explains why."""
    return channel.closed or channel.exit_status_ready()


def _sent(channel: paramiko.Channel, chunk: bytes) -> int:
    """Send what the window takes now, and return how much that was."""
    try:
        return channel.send(chunk)
    except TimeoutError:
        return 0
    except OSError:
        if channel.closed:
            return 0
        raise
