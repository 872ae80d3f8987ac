"""Reboot and halt, now or later."""

from __future__ import annotations

from collections.abc import Callable

from edgectl.lab.pid1.loop import Loop, Timer

HALTED, REBOOTED = 0, 3
_BREATH_S = 0.05  # for the answer to whoever asked


class Power:
    """Ends the host's run, once; `shut_down` is told the exit code that says how."""

    def __init__(self, loop: Loop, shut_down: Callable[[int], None]) -> None:
        self._loop = loop
        self._shut_down = shut_down
        self._timer: Timer | None = None

    def schedule(self, kind: str, after_s: float) -> None:
        """Shut down for `reboot`, or for good, after a delay; a later call replaces an earlier one."""
        self.cancel()
        code = REBOOTED if kind == "reboot" else HALTED
        self._timer = self._loop.later(max(after_s, _BREATH_S), lambda: self._shut_down(code))

    def cancel(self) -> None:
        """Take back what was scheduled."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
