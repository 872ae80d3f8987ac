"""What `systemctl show` says about a unit."""

from __future__ import annotations

import time
from pathlib import Path

from edgectl.lab.pid1.commandline import expand
from edgectl.lab.pid1.service import Service
from edgectl.lab.pid1.unitfile import UNIT_FOLDERS, UnitFile


def properties_of(service: Service, *, needs_reload: bool) -> dict[str, str]:
    """Return the properties by systemd's names."""
    unit, status = service.unit, service.status
    return {
        "Id": unit.name,
        "Names": unit.name,
        "Description": expand(unit.last("Unit", "Description", unit.name), unit.name),
        "LoadState": load_state(unit),
        "ActiveState": str(status.state),
        "SubState": status.sub_state,
        "UnitFileState": file_state(unit),
        "UnitFilePreset": "enabled" if unit.exists else "",
        "FragmentPath": str(unit.fragment or ""),
        "DropInPaths": " ".join(str(path) for path in unit.drop_ins),
        "Type": unit.last("Service", "Type", "simple"),
        "Restart": unit.last("Service", "Restart", "no"),
        "User": unit.last("Service", "User"),
        "MainPID": str(status.main),
        "ExecMainPID": str(status.main),
        "ExecMainCode": str(status.exit_kind),
        "ExecMainStatus": str(status.exit_code),
        "Result": status.result,
        "NRestarts": str(status.restarts),
        "NeedDaemonReload": "yes" if needs_reload else "no",
        "InvocationID": service.invocation,
        "ActiveEnterTimestamp": _timestamp(status.since) if status.state == "active" else "",
        "StateChangeTimestamp": _timestamp(status.since),
        "ControlGroup": f"/system.slice/{unit.name}" if status.state == "active" else "",
        "CanStart": "yes",
        "CanStop": "yes",
        "CanReload": "yes" if unit.all("Service", "ExecReload") else "no",
        "TasksCurrent": str(len(service.processes())) if status.main else "[not set]",
    }


def load_state(unit: UnitFile) -> str:
    """Return `loaded`, `masked` or `not-found`; a transient unit has values and no file."""
    if unit.masked:
        return "masked"
    return "loaded" if unit.exists or unit.values else "not-found"


def file_state(unit: UnitFile) -> str:
    """Return what `systemctl is-enabled` says; empty for a unit without a file."""
    if not unit.exists:
        return "transient" if unit.values else ""
    if unit.masked:
        return "masked"
    if any(_links_to(unit.name)):
        return "enabled"
    installable = any(unit.all("Install", key) for key in ("WantedBy", "RequiredBy", "Alias", "Also"))
    return "disabled" if installable else "static"


def _links_to(name: str) -> list[Path]:
    patterns = (f"*.wants/{name}", f"*.requires/{name}")
    return [link for folder in UNIT_FOLDERS for pattern in patterns for link in folder.glob(pattern)]


def _timestamp(moment: float) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(moment)) if moment else ""
