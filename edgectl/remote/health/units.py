"""The systemd units that somebody asked about."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from edgectl.remote.gpu import bounded

_DEADLINE_S = 3.0
_PROPERTIES = "Id,LoadState,ActiveState,SubState,NRestarts"


def read(wanted: Sequence[str]) -> Optional[List[Dict[str, Any]]]:
    """Return how each unit stands; None where none was asked for or systemd does not answer."""
    if not wanted:
        return None
    said = bounded.run(["systemctl", "show", "-p", _PROPERTIES, "--", *wanted], _DEADLINE_S)
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
