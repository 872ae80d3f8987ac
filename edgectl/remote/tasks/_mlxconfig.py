"""The mode that a BlueField has now and from its next power cycle on, as NVIDIA's mlxconfig keeps it."""

from __future__ import annotations

import re

from edgectl.remote.lean import Dict, List, NamedTuple, Union
from edgectl.remote.proc import Proc

NOT_THERE = 127
# DOCA documentation, "BlueField Modes of Operation": a card whose offload engine is on is in DPU mode.
_MODES = {"0": "dpu", "1": "nic"}
_SETTINGS: Dict[str, List[str]] = {"dpu": ["INTERNAL_CPU_MODEL=1", "INTERNAL_CPU_OFFLOAD_ENGINE=0"]}
_ENGINE = "INTERNAL_CPU_OFFLOAD_ENGINE"
_LINE = re.compile(rf"^\W*{_ENGINE}\s+(.*)$", re.MULTILINE)
_VALUE = re.compile(r"\((\d)\)")
# Its columns with -e: default, current, next boot.
_COLUMNS = 3
_DEADLINE_S = 60.0


class Mode(NamedTuple):
    """What a card is now, and what it will be; they differ until the host's next power cycle."""

    address: str
    now: str
    then: str

    @property
    def told(self) -> Dict[str, str]:
        """Return it as a task's result has it."""
        return {"pci_bus_id": self.address, "mode": self.now, "next_mode": self.then}


def read(address: str, proc: Proc) -> Union[Mode, str]:
    """Return a card's modes, or why they cannot be told."""
    done = proc.run(["mlxconfig", "-d", address, "-e", "query", _ENGINE], timeout_s=_DEADLINE_S)
    line = _LINE.search(done.stdout)
    values = _VALUE.findall(line.group(1)) if line else []
    if done.rc != 0 or len(values) != _COLUMNS or not set(values) <= set(_MODES):
        said = (done.stderr or done.stdout).strip() or "it said nothing"
        return f"mlxconfig does not tell the mode of {address}: {said}"
    return Mode(address, _MODES[values[1]], _MODES[values[2]])


def is_there(proc: Proc) -> bool:
    """Tell whether this host has the tool."""
    return proc.run(["mlxconfig", "--version"], timeout_s=_DEADLINE_S).rc != NOT_THERE


def change(address: str, mode: str, proc: Proc) -> str:
    """Ask for a mode from the next power cycle on; return why it was refused, or an empty text."""
    words = ["mlxconfig", "-y", "-d", address, "set", *_SETTINGS[mode]]
    done = proc.run(words, timeout_s=_DEADLINE_S)
    return (
        f"mlxconfig refuses {mode} mode for {address}: {(done.stderr or done.stdout).strip()}"
        if done.rc
        else ""
    )
