"""Which server of a host is measured, and with which key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgectl.catalog.engines import ENGINES
from edgectl.complaints import did_you_mean
from edgectl.errors import InputError, Problem
from edgectl.inventory.model import Fleet
from edgectl.yaml_source import Document, load

DEFAULT_PORT = 8000


def port_of_service(fleet: Fleet, name: str) -> int:
    """Return `serve.port` of `services/NAME.yaml` beside the inventory. Raises `InputError`."""
    document = _specification(fleet, name)
    port: Any = _section(document, "serve").get("port", DEFAULT_PORT)
    if not isinstance(port, int):
        raise InputError([Problem(f"a port is wanted, not {port!r}", document.place(("serve", "port")))])
    return port


def key_of_service(fleet: Fleet, name: str) -> Mapping[str, str] | None:
    """Return where the key is kept that a service's engine wants, None where it wants none. Raises `InputError`."""
    document = _specification(fleet, name)
    facts = ENGINES.get(str(_section(document, "engine").get("kind")))
    found = _section(document, "secrets").get(facts.key) if facts and facts.key else None
    return {str(kind): str(source) for kind, source in found.items()} if isinstance(found, dict) else None


def _section(document: Document, name: str) -> Mapping[str, Any]:
    found: Any = document.value.get(name) if isinstance(document.value, dict) else None
    return found if isinstance(found, dict) else {}


def _specification(fleet: Fleet, name: str) -> Document:
    source = fleet.source if fleet.source.is_dir() else fleet.source.parent
    folder = source / "services"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(found.stem for found in folder.glob("*.yaml"))
        raise InputError(f"there is no service '{name}' in {folder}{did_you_mean(name, known)}")
    return load(path)


def url_at_host(port: int) -> str:
    """Return the URL of a host's server, as a template that each host fills in."""
    return "http://{{ ansible_host }}:" + str(port)
