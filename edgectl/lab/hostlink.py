"""The supervisor's line to the first process of one running host."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from itertools import count

from edgectl.lab import wire


class HostLink:
    """Starts commands at a host; their callers are told the wait status, or None when the host went away."""

    def __init__(
        self, channel: socket.socket, on_ready: Callable[[], None], on_refused: Callable[[str], None]
    ) -> None:
        self._channel = channel
        self._on_ready = on_ready
        self._on_refused = on_refused
        self._numbers = count(1)
        self._waiting: dict[int, Callable[[int | None], None]] = {}
        self._lock = threading.Lock()
        self._alive = True

    def listen(self) -> None:
        """Start hearing what the host reports."""
        threading.Thread(target=self._listen, daemon=True).start()

    def start(
        self,
        command: list[str],
        environment: dict[str, str],
        streams: tuple[int, int, int],
        on_end: Callable[[int | None], None],
    ) -> int:
        """Run `command` on copies of `streams`; return its number. Raises `OSError` if the host is gone."""
        number = next(self._numbers)
        with self._lock:
            if not self._alive:
                raise ConnectionResetError("the host has gone down")
            self._waiting[number] = on_end
        request = {"do": "start", "session": number, "command": command, "environment": environment}
        wire.send(self._channel, request, streams)
        return number

    def signal(self, number: int, signal_number: int) -> None:
        """Send a signal to a started command's process group."""
        wire.send(self._channel, {"do": "signal", "session": number, "signal": signal_number})

    def _listen(self) -> None:
        while True:
            packet, _ = wire.receive(self._channel)
            match packet:
                case {"event": "ready"}:
                    self._on_ready()
                case {"event": "refused", "reason": reason}:
                    self._on_refused(reason)
                case {"event": "ended", "session": number, "status": status}:
                    self._tell(number, status)
                case _:
                    break
        with self._lock:
            self._alive = False
            left = list(self._waiting)
        for number in left:
            self._tell(number, None)
        self._channel.close()

    def _tell(self, number: int, status: int | None) -> None:
        with self._lock:
            on_end = self._waiting.pop(number, None)
        if on_end:
            on_end(status)
