"""One command over one SSH channel, with OpenSSH's behaviour for sessions without a terminal.

Bytes pass through unchanged and no faster than the slower side takes them; a half-closed stdin reaches the
command as end of file; the exit status is sent when the command ends, the channel closes when nobody holds
its output any more; when the client goes away the pipes close and the command goes on.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import weakref
from collections.abc import Callable

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from edgectl.lab.hostlink import HostLink
from edgectl.lab.paramiko_gaps import send_message

_PIECE = 32_768
_STALL_MS = 500


class Session:
    """The bridge between a channel and a command's three pipes."""

    def __init__(self, channel: paramiko.Channel, link: HostLink, on_over: Callable[[], object]) -> None:
        self._channel = channel
        self._link = link
        self._on_over = on_over
        self._number = 0
        self._status: int | None = None
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        weakref.finalize(self, os.close, self._wake_writer)  # a command may end long after its channel

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Start the command and the threads that carry its bytes; a host that is gone ends the connection."""
        stdin, self._stdin = os.pipe2(os.O_CLOEXEC)
        self._stdout, stdout = os.pipe2(os.O_CLOEXEC)
        self._stderr, stderr = os.pipe2(os.O_CLOEXEC)
        try:
            self._number = self._link.start(
                command, environment, (stdin, stdout, stderr), self._command_ended
            )
        except OSError:
            self._channel.get_transport().close()
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)
        for carry in (self._carry_input, self._carry_output):
            threading.Thread(target=carry, daemon=True).start()

    def signal(self, name: str) -> None:
        """Pass on a signal the client asked for, by its name without SIG."""
        number = getattr(signal, f"SIG{name}", None)
        if number is not None and self._number:
            self._link.signal(self._number, number)

    def _command_ended(self, status: int | None) -> None:
        self._status = status
        self._wake(b"E" if status is not None else b"X")

    def _wake(self, reason: bytes) -> None:
        with contextlib.suppress(OSError):  # the session may be over: nobody is left to wake
            os.write(self._wake_writer, reason)

    def _carry_input(self) -> None:
        os.set_blocking(self._stdin, False)
        open_at_host = True
        while piece := self._channel.recv(_PIECE):
            open_at_host = open_at_host and self._write(piece)
        os.close(self._stdin)
        self._channel.status_event.wait()  # on a server, paramiko sets it when the channel is gone
        self._wake(b"X")

    def _write(self, piece: bytes) -> bool:
        """Write all of `piece`; return False when the command closed its input or the client is gone."""
        view = memoryview(piece)
        ready = select.poll()
        ready.register(self._stdin, select.POLLOUT)
        while view and not self._channel.closed:
            ready.poll(_STALL_MS)
            try:
                view = view[os.write(self._stdin, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                return False
        return not view

    def _carry_output(self) -> None:
        try:
            self._pump()
            self._channel.close()
        except (OSError, EOFError, paramiko.SSHException):
            pass  # the client is gone, which is how many sessions end
        for descriptor in (self._stdout, self._stderr, self._wake_reader):
            os.close(descriptor)
        self._on_over()

    def _pump(self) -> None:
        sinks = {self._stdout: self._channel.sendall, self._stderr: self._channel.sendall_stderr}
        ready = select.poll()
        for descriptor in (*sinks, self._wake_reader):
            ready.register(descriptor, select.POLLIN)
        reported = False
        while sinks or not reported:
            for descriptor, _ in ready.poll():
                if descriptor == self._wake_reader:
                    if os.read(descriptor, 16) != b"E":
                        return
                    self._report()
                    reported = True
                elif piece := os.read(descriptor, _PIECE):
                    sinks[descriptor](piece)
                else:
                    ready.unregister(descriptor)
                    del sinks[descriptor]

    def _report(self) -> None:
        status = self._status or 0
        if os.WIFSIGNALED(status):
            self._send_exit_signal(signal.Signals(os.WTERMSIG(status)).name.removeprefix("SIG"))
        else:
            self._channel.send_exit_status(os.waitstatus_to_exitcode(status))

    def _send_exit_signal(self, name: str) -> None:
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self._channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string(name)
        message.add_boolean(False)
        message.add_string("")
        message.add_string("")
        send_message(self._channel, message)
