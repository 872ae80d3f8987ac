"""PCI bridges: whether Access Control Services send the traffic between two cards through the processor."""

from __future__ import annotations

import struct
from typing import Optional

from edgectl.remote.health.files import names, text

_BRIDGE = "0x0604"
# PCI Express base specification 6.0, 7.7.11: the extended capabilities begin at 0x100, ACS is 0x000D, its control
# register lies 6 bytes in; bits 2 and 3 redirect requests and completions between peers.
_FIRST, _ACS, _CONTROL, _REDIRECTS = 0x100, 0x000D, 6, 0b1100


def acs_enabled(root: str = "") -> Optional[bool]:
    """Return whether any bridge redirects peer traffic; None where we may not see that (only root does)."""
    controls = []
    for device in names(f"{root}/sys/bus/pci/devices"):
        folder = f"{root}/sys/bus/pci/devices/{device}"
        if (text(f"{folder}/class") or "").startswith(_BRIDGE):
            controls.append(_control(f"{folder}/config"))
    known = [control for control in controls if control is not None]
    return any(control & _REDIRECTS for control in known) if known else None


def _control(path: str) -> Optional[int]:
    try:
        with open(path, "rb") as stream:
            config = stream.read()
    except OSError:
        return None
    at, seen = _FIRST, set()
    while at and at not in seen and at + _CONTROL + 2 <= len(config):
        seen.add(at)
        (header,) = struct.unpack_from("<I", config, at)
        if header & 0xFFFF == _ACS:
            return int(struct.unpack_from("<H", config, at + _CONTROL)[0])
        at = header >> 20
    return None
