"""PID 1 of a lab host, from boot to the last kill."""

from __future__ import annotations

import os
import signal
import socket

from edgectl.lab import wire
from edgectl.lab.pid1.bus import Bus
from edgectl.lab.pid1.journal import Journal, start_kernel_log
from edgectl.lab.pid1.loop import Loop
from edgectl.lab.pid1.manager import Manager
from edgectl.lab.pid1.power import HALTED, Power
from edgectl.lab.pid1.sessions import Sessions

_STOP_S = 5.0


class Host:
    """One running host: what the lab's supervisor and the host's own tools may ask of it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._loop = Loop()
        self._sessions = Sessions(self._loop, channel)
        start_kernel_log()
        self._journal = Journal()
        self._manager = Manager(self._loop, self._journal)
        self._bus = Bus(self._loop, self._manager, Power(self._loop, self._shut_down))
        self._exit_code = HALTED

    def run(self) -> int:
        """Serve until the host is halted or rebooted, or its lab gone; return the exit code saying which."""
        self._loop.watch(self._channel.fileno(), self._obey)
        self._manager.boot()
        wire.send(self._channel, {"event": "ready"})
        self._loop.run()
        return self._exit_code

    def _obey(self) -> None:
        packet, files = wire.receive(self._channel)
        match packet:
            case None:
                self._loop.stop()
            case {"do": "start", "session": number, "command": command, "environment": environment}:
                self._sessions.start(number, command, environment, files)
            case {"do": "signal", "session": number, "signal": signal_number}:
                self._sessions.signal(number, signal_number)
            case _:
                raise ValueError(f"unknown request {packet}")

    def _shut_down(self, exit_code: int) -> None:
        self._exit_code = exit_code
        self._journal.write("Shutting down.")
        self._manager.stop_all(_STOP_S, self._loop.stop)


def prepare_process() -> None:
    """Give PID 1 what its children shall inherit: no input, home folder, file mode, plain signals."""
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    os.chdir("/root")
    os.umask(0o022)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
