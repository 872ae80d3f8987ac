"""Which server of a host is measured."""

from __future__ import annotations

from typing import Any

from edgectl.complaints import did_you_mean
from edgectl.errors import InputError, Problem
from edgectl.inventory.model import Fleet
from edgectl.yaml_source import load

DEFAULT_PORT = 8000


def port_of_service(fleet: Fleet, name: str) -> int:
    """Return `serve.port` of `services/NAME.yaml` beside the inventory. Raises `InputError`."""
    source = fleet.source if fleet.source.is_dir() else fleet.source.parent
    folder = source / "services"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(found.stem for found in folder.glob("*.yaml"))
        raise InputError(f"there is no service '{name}' in {folder}{did_you_mean(name, known)}")
    document = load(path)
    serve: Any = document.value.get("serve") if isinstance(document.value, dict) else None
    port: Any = serve.get("port", DEFAULT_PORT) if isinstance(serve, dict) else DEFAULT_PORT
    if not isinstance(port, int):
        raise InputError([Problem(f"a port is wanted, not {port!r}", document.place(("serve", "port")))])
    return port


def url_at_host(port: int) -> str:
    """Return the URL of a host's server, as a template that each host fills in."""
    return "http://{{ ansible_host }}:" + str(port)
