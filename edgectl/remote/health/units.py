"""The systemd units that matter here: those somebody asked about, else those of the services deployed here."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence, Set

from edgectl.remote.gpu import bounded
from edgectl.remote.health.clock import Clock
from edgectl.remote.health.files import names

_DEADLINE_S = 3.0
_PROPERTIES = "Id,LoadState,ActiveState,SubState,NRestarts"


def serving(folders: Sequence[str], units: str = "/etc/systemd/system") -> List[str]:
    """Return the units of the services that have a release in force, by the `releases/<service>/current` below.

    Behind a front an engine has one of two slots, and the front is a unit too; `units` is where they are written.
    """
    found = {
        service
        for folder in folders
        for service in names(os.path.join(folder, "releases"))
        if os.path.islink(os.path.join(folder, "releases", service, "current"))
    }
    there = set(names(units))
    return [unit for service in sorted(found) for unit in _units_of(service, there)]


def _units_of(service: str, there: Set[str]) -> List[str]:
    parts = [f"edgectl-{service}-{part}.service" for part in ("a", "b", "front")]
    return [unit for unit in parts if unit in there] or [f"edgectl-{service}.service"]


def read(wanted: Sequence[str], clock: Clock) -> Optional[List[Dict[str, Any]]]:
    """Return how each unit stands; None where none was asked for or systemd does not answer."""
    if not wanted:
        return None
    said = bounded.run(
        ["systemctl", "show", "-p", _PROPERTIES, "--", *wanted], clock.share_s(_DEADLINE_S, 0.4)
    )
    if said.rc != 0:
        return None
    blocks = said.out.strip().split("\n\n")
    return [_unit(name, block) for name, block in zip(wanted, blocks)]


def _unit(name: str, block: str) -> Dict[str, Any]:
    found = dict(line.partition("=")[::2] for line in block.splitlines())
    restarts = found.get("NRestarts", "")
    return {
        "name": found.get("Id") or name,
        "load": found.get("LoadState", "unknown"),
        "active": found.get("ActiveState", "unknown"),
        "sub": found.get("SubState", "unknown"),
        "restarts": int(restarts) if restarts.isdigit() else None,
    }
