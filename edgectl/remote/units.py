"""Units of systemd that do something at the next boot, and are taken away once that need not be."""

from __future__ import annotations

import os

from edgectl.remote import durable
from edgectl.remote.detach import SYSTEMD
from edgectl.remote.lean import suppress

_UNITS = "/etc/systemd/system"
_WANTED = f"{_UNITS}/multi-user.target.wants"


def can_ask() -> bool:
    """Tell whether there is a systemd here that we may give units to."""
    return os.geteuid() == 0 and os.path.isdir(SYSTEMD) and os.access(_UNITS, os.W_OK)


def places(name: str) -> tuple[str, str]:
    """Return where a unit lies, and the link that has it started at boot."""
    return f"{_UNITS}/{name}.service", f"{_WANTED}/{name}.service"


def install(name: str, text: str) -> None:
    """Have a unit started at the next boot. Raises `OSError`."""
    unit, link = places(name)
    durable.write(unit, text.encode())
    os.makedirs(_WANTED, exist_ok=True)
    with suppress(FileExistsError):
        os.symlink(unit, link)
    durable.sync(_UNITS)
    durable.sync(_WANTED)


def remove(name: str) -> bool:
    """Take a unit away; False where there was none."""
    unit, link = places(name)
    was_there = os.path.exists(unit)
    for path in (link, unit):
        with suppress(FileNotFoundError, PermissionError):
            os.unlink(path)
    return was_there
