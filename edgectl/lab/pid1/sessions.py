"""Commands of SSH sessions, as sshd runs them without a terminal."""

from __future__ import annotations

import os
import signal
import socket

from edgectl.lab import wire
from edgectl.lab.pid1.loop import Loop

_DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)


class Sessions:
    """Starts what the SSH server asks for and tells it how each command ended."""

    def __init__(self, loop: Loop, channel: socket.socket) -> None:
        self._loop = loop
        self._channel = channel
        self._processes: dict[int, int] = {}

    def start(self, number: int, command: list[str], environment: dict[str, str], streams: list[int]) -> None:
        """Run `command` on the three `streams`, which this process then closes."""
        try:
            process = _spawn(command, environment, streams)
        except OSError:
            self._report(number, 127 << 8)
        else:
            self._processes[number] = process
            self._loop.on_exit(process, lambda status: self._ended(number, status))
        finally:
            for stream in streams:
                os.close(stream)

    def signal(self, number: int, signal_number: int) -> None:
        """Send a signal to the command's process group; nothing where it has ended."""
        if number in self._processes:
            os.killpg(self._processes[number], signal_number)

    def _ended(self, number: int, status: int) -> None:
        del self._processes[number]
        self._report(number, status)

    def _report(self, number: int, status: int) -> None:
        wire.send(self._channel, {"event": "ended", "session": number, "status": status})


def _spawn(command: list[str], environment: dict[str, str], streams: list[int]) -> int:
    actions = [(os.POSIX_SPAWN_DUP2, stream, target) for target, stream in enumerate(streams)]
    return os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=actions,
        setsid=True,
        setsigdef=_DEFAULTED,
        setsigmask=(),
    )
