"""A BlueField that plays a console: what is pushed into its `boot` is taken, then its messages come, one by one."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from tests.nvml.tree import RSHIM

_HEAD = RSHIM.replace("DISPLAY_LEVEL   0", "DISPLAY_LEVEL   2")
_RULE = "---------------------------------------\n"
_LOG = f"{_RULE}             Log Messages\n{_RULE}"
_PAUSE_S = 0.3  # longer than whoever follows the console looks away

# As BlueField-3 cards say it, shortened.
RUNNING = ("INFO[PSC]: PSC BL1 START", "INFO[BL2]: start", "INFO[MISC]: Linux up", "INFO[MISC]: DPU is ready")
INSTALLING = (
    "INFO[BL2]: start",
    "INFO[BL2]: boot mode (rshim)",
    "INFO[UEFI]: PMI: updates completed, status 0",
    "INFO[UEFI]: DPU-BMC RF credentials not found",
    "INFO[MISC]: Ubuntu installation started",
    "INFO[MISC]: Ubuntu installation completed",
    "INFO[MISC]: Updating NIC firmware...",
)
GOOD = (
    *INSTALLING,
    "INFO[MISC]: NIC firmware update done: 32.47.1026",
    "INFO[MISC]: Installation finished",
    *RUNNING,
)
# The installer ends with 0 after this one, and the card comes up.
HALF = (*INSTALLING, "INFO[MISC]: NIC firmware update failed", "INFO[MISC]: Installation finished", *RUNNING)


class FakeRshim:
    """One card's files below `root`; `plays` are the messages after a push, each after a moment."""

    def __init__(
        self, root: Path, number: int, slot: str, plays: Iterable[str] = (), mode: str = "DPU mode"
    ) -> None:
        self._folder = root / f"dev/rshim{number}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._head = _HEAD.format(mode=mode, slot=slot, uptime_s=9628)
        self._plays = list(plays)
        self.lines = list(RUNNING)
        self.pushes: list[str] = []
        self._show()
        os.mkfifo(self._folder / "boot")

    def listen(self) -> None:
        """Take pushes from now on."""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with (self._folder / "boot").open("rb") as boot:
                self.pushes.append(hashlib.sha256(boot.read()).hexdigest())
            self.lines = []
            for line in self._plays:
                self.lines.append(line)
                self._show()
                time.sleep(_PAUSE_S)

    def _show(self) -> None:
        text = self._head + _LOG + "".join(f" {line}\n" for line in self.lines)
        new = self._folder / "misc.new"
        new.write_text(text, encoding="utf-8")
        new.replace(self._folder / "misc")
