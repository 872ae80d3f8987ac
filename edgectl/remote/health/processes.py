"""Processes by state: zombies, and those that wait in the kernel and cannot be killed (state D).

A process is in state D for a moment at every read of a disk. One that is stuck has not been on a processor between
two looks: its count of voluntary switches is the same.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional

from edgectl.remote.health.files import names, text

_VOLUNTARY = "voluntary_ctxt_switches:"


class Look(NamedTuple):
    """How many processes are in which state, and the waiting ones with their switches so far."""

    states: Dict[str, int]
    waiting: Dict[int, Optional[int]]


class _Stat(NamedTuple):
    name: str
    state: str
    start_ticks: int


def look(root: str = "") -> Look:
    """Look at every process once."""
    states: Dict[str, int] = {}
    waiting: Dict[int, Optional[int]] = {}
    for name in names(f"{root}/proc"):
        stat = _stat(root, name) if name.isdigit() else None
        if stat:
            states[stat.state] = states.get(stat.state, 0) + 1
            if stat.state == "D":
                waiting[int(name)] = _switches(root, int(name))
    return Look(states, waiting)


def stuck(before: Look, root: str = "") -> List[Dict[str, Any]]:
    """Return those that waited at both looks and did nothing in between; `age_s` since they began."""
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
    return _Stat(name, words[0], int(words[19]))


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
