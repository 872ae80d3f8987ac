"""Processes by state: zombies, and those that wait in the kernel and cannot be killed (state D).

A process is in state D for a moment at every read of a disk. One that is stuck has not been on a processor between
two looks: its count of voluntary switches is the same. The kernel's own threads wait like that for work, so theirs
are left to the kernel's own watchdog, which logs them.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, NamedTuple, Optional

from edgectl.remote.health.files import names, text

_VOLUNTARY = "voluntary_ctxt_switches:"
_KTHREADD = 2
# A disk that is slow takes tenths of a second.
_APART_S = 1.0


class Look(NamedTuple):
    """How many processes are in which state, and the waiting ones with their switches so far; when that was."""

    states: Dict[str, int]
    waiting: Dict[int, Optional[int]]
    moment: float


class _Stat(NamedTuple):
    name: str
    state: str
    parent: int
    start_ticks: int


def look(root: str = "") -> Look:
    """Look at every process once."""
    states: Dict[str, int] = {}
    waiting: Dict[int, Optional[int]] = {}
    for name in names(f"{root}/proc"):
        stat = _stat(root, name) if name.isdigit() else None
        if stat:
            states[stat.state] = states.get(stat.state, 0) + 1
            if stat.state == "D" and stat.parent != _KTHREADD:
                waiting[int(name)] = _switches(root, int(name))
    return Look(states, waiting, time.monotonic())


def stuck(before: Look, root: str = "") -> List[Dict[str, Any]]:
    """Return those that waited at both looks and did nothing in between; `age_s` since they began.

    The looks are a second apart: the rest of it is waited for where there is anything to look at again.
    """
    if before.waiting:
        time.sleep(max(before.moment + _APART_S - time.monotonic(), 0.0))
    found = []
    for pid, switches in before.waiting.items():
        stat = _stat(root, str(pid))
        if stat and stat.state == "D" and _switches(root, pid) == switches:
            found.append({"pid": pid, "name": stat.name, "age_s": _age_s(root, stat.start_ticks)})
    return found


def _stat(root: str, pid: str) -> Optional[_Stat]:
    """Parse /proc/PID/stat: a name in brackets may hold anything, brackets too."""
    said = text(f"{root}/proc/{pid}/stat")
    if said is None:
        return None
    name, _, rest = said.partition("(")[2].rpartition(")")
    words = rest.split()
    return _Stat(name, words[0], int(words[1]), int(words[19]))


def _switches(root: str, pid: int) -> Optional[int]:
    for line in (text(f"{root}/proc/{pid}/status") or "").splitlines():
        if line.startswith(_VOLUNTARY):
            return int(line.split()[1])
    return None


def _age_s(root: str, start_ticks: int) -> Optional[float]:
    uptime = text(f"{root}/proc/uptime")
    if uptime is None:
        return None
    return round(float(uptime.split()[0]) - start_ticks / os.sysconf("SC_CLK_TCK"), 1)
