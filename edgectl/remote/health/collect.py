"""All that one node says about its health: what never waits first, then the driver, all within one deadline."""

from __future__ import annotations

import resource
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from edgectl.remote.gpu import bounded, kernel_log, xid
from edgectl.remote.gpu.collect import DEADLINE_S, readings
from edgectl.remote.health import dpus, events, fit, machine, ports, processes
from edgectl.remote.health.clock import Clock

# Of all together. Within it, what should take milliseconds has deadlines of its own.
OVERALL_S = 45.0
_LOG_S, _LOG_BEFORE_S = 8.0, 4.0
# mlx5 asks its firmware, and waits a minute for one that is dead.
_CARDS_S = 4.0


def collect(
    deadline_s: float = DEADLINE_S,
    units: Sequence[str] = (),
    folders: Sequence[str] = (),
    root: str = "",
    overall_s: float = OVERALL_S,
) -> Dict[str, Any]:
    """Return the node's whole answer: `deadline_s` for the driver, `units` of systemd, `folders` for the lock."""
    began, cpu_began, clock = time.monotonic(), _cpu_s(), Clock(overall_s)
    first_look = processes.look(root)
    log = _logs(root, clock)
    dpus_found = _apart(lambda: dpus.read(root), clock)
    ports_found = _apart(lambda: ports.read(root), clock)
    found = readings(log.gpus, deadline_s, folders, root, overall_s=clock.share_s(overall_s, 0.7))
    looks = machine.Looks(first_look.states, processes.stuck(first_look, root))
    node = machine.read(root, units, looks, clock)
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


class _Told(NamedTuple):
    """What both boots' logs told: about the GPUs, about the rest, and where they were read."""

    gpus: Dict[str, Any]
    events: List[Dict[str, Any]]
    source: Dict[str, Any]


def _logs(root: str, clock: Clock) -> _Told:
    booted = kernel_log.booted(root)
    log = kernel_log.read(events.WANTED, clock.share_s(_LOG_S, 0.2))
    before = kernel_log.read_before(events.WANTED, clock.share_s(_LOG_BEFORE_S, 0.1), root)
    now, then = xid.parse(log.text, booted), xid.parse(before.text, booted, boot=-1)
    gpus: Dict[str, Any] = {
        "xids": [*now["xids"], *then["xids"]],
        "uuids": {**then["uuids"], **now["uuids"]},
        "serials": {**then["serials"], **now["serials"]},
    }
    found = [
        *events.parse(log.text, booted),
        *events.parse(before.text, booted, boot=-1),
        *events.fabric_manager(booted, root),
    ]
    boots = 1 if before.source is None else 2
    return _Told(gpus, found, {"source": log.source, "error": log.error, "boots": boots})


def _apart(read: Callable[[], Any], clock: Clock) -> Optional[List[Dict[str, Any]]]:
    """Return what a process of its own read; None where that did not end in time."""
    try:
        found: List[Dict[str, Any]] = bounded.call(read, clock.share_s(_CARDS_S, 0.15))
    except (TimeoutError, ChildProcessError):
        return None
    return found


def _latest_first(folds: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """This boot before the last one, and in each what came last first: the end of the list is cut if need be."""
    return sorted(folds, key=lambda fold: (fold["boot"], fold["last"] or ""), reverse=True)


def _cpu_s() -> float:
    """Return what this process and its ended children have cost so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
