"""All that one node says about its health: what never waits first, then the driver, all within one deadline."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List, Optional, Sequence

from edgectl.remote.gpu import bounded, kernel_log, xid
from edgectl.remote.gpu.collect import DEADLINE_S, readings
from edgectl.remote.health import dpus, events, fit, machine, ports, processes

# Of all together; what is over it is what a process that cannot be killed takes to be left behind.
OVERALL_S = 45.0
_LOG_BEFORE_S = 4.0
# mlx5 asks its firmware, and waits a minute for one that is dead.
_CARDS_S = 4.0


def collect(
    deadline_s: float = DEADLINE_S, units: Sequence[str] = (), folders: Sequence[str] = (), root: str = ""
) -> Dict[str, Any]:
    """Return the node's whole answer: `deadline_s` for the driver, `units` of systemd, `folders` for the lock."""
    began, cpu_began = time.monotonic(), _cpu_s()
    first_look = processes.look(root)
    log = _Logs(root)
    dpus_found = _apart(lambda: dpus.read(root))
    ports_found = _apart(lambda: ports.read(root))
    left_s = OVERALL_S - (time.monotonic() - began) - _LOG_BEFORE_S
    found = readings(log.told, min(deadline_s, left_s / 2), folders, root)
    node = machine.read(root, units, lambda: processes.stuck(first_look, root), first_look.states)
    whole = {
        **found,
        "xids": _latest_first(found["xids"]),
        "kernel_log": log.source,
        "events": _latest_first(log.events),
        "machine": node,
        "dpus": dpus_found,
        "ports": ports_found,
    }
    cost = {"cpu_s": round(_cpu_s() - cpu_began, 3), "seconds": round(time.monotonic() - began, 3)}
    return fit.fit({**whole, **cost})


class _Logs:
    """Both boots' logs, parsed: `told` for the GPUs, `events` for the rest, `source` for where it was read."""

    def __init__(self, root: str) -> None:
        booted = kernel_log.booted(root)
        log, before = (
            kernel_log.read(events.WANTED),
            kernel_log.read_before(events.WANTED, _LOG_BEFORE_S, root),
        )
        now, then = xid.parse(log.text, booted), xid.parse(before.text, booted, boot=-1)
        self.told: Dict[str, Any] = {
            "xids": [*now["xids"], *then["xids"]],
            "uuids": {**then["uuids"], **now["uuids"]},
            "serials": {**then["serials"], **now["serials"]},
        }
        self.events = [
            *events.parse(log.text, booted),
            *events.parse(before.text, booted, boot=-1),
            *events.fabric_manager(booted, root),
        ]
        boots = 1 if before.source is None else 2
        self.source = {"source": log.source, "error": log.error, "boots": boots}


def _apart(read: Callable[[], Any]) -> Optional[List[Dict[str, Any]]]:
    """Return what a process of its own read; None where that did not end in time."""
    try:
        found: List[Dict[str, Any]] = bounded.call(read, _CARDS_S)
    except (TimeoutError, ChildProcessError):
        return None
    return found


def _latest_first(folds: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """This boot before the last one, and in each what came last first: the end of the list is cut if need be."""
    return sorted(folds, key=lambda fold: (fold["boot"], fold["last"] or ""), reverse=True)


def _cpu_s() -> float:
    """Return what this process and its ended children have cost so far."""
    return sum(os.times()[:4])
