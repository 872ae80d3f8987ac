"""How the node keeps time: what chrony says, else systemd, else the kernel's own clock discipline."""

from __future__ import annotations

import re
import struct
from typing import Any, Dict, Optional

from edgectl.remote.gpu import bounded
from edgectl.remote.health.clock import Clock

_DEADLINE_S = 2.0
_FIELD = re.compile(r"^([\w ]+?)\s*:\s*(.*)$", re.MULTILINE)
_ADDRESS = re.compile(r"\(([^)]*)\)")
# adjtimex(2): TIME_ERROR, STA_UNSYNC, STA_NANO; `struct timex` begins modes, offset, freq, maxerror, esterror, status.
_TIME_ERROR, _STA_UNSYNC, _STA_NANO = 5, 0x40, 0x2000
_TIMEX = struct.Struct("i4xqqqqi")
_TIMEX_BYTES = 208


def read(clock: Clock) -> Optional[Dict[str, Any]]:
    """Return whether the clock is synchronised, by what, how far off it is; None where nobody knows."""
    by_chrony = _by_chrony(clock.share_s(_DEADLINE_S, 0.25))
    return by_chrony or _by_systemd(clock.share_s(_DEADLINE_S, 0.25)) or _by_kernel()


def _by_chrony(deadline_s: float) -> Optional[Dict[str, Any]]:
    said = bounded.run(["chronyc", "-n", "tracking"], deadline_s)
    found = dict(_FIELD.findall(said.out))
    if said.rc != 0 or "Leap status" not in found:
        return None
    offset, stratum = (
        re.match(r"([\d.]+) seconds (fast|slow)", found.get("System time", "")),
        found.get("Stratum", ""),
    )
    address = _ADDRESS.search(found.get("Reference ID", ""))
    sign = -1 if offset and offset.group(2) == "slow" else 1
    return {
        "synchronised": found["Leap status"] != "Not synchronised",
        "source": (address and address.group(1)) or None,
        "offset_s": sign * float(offset.group(1)) if offset else None,
        "stratum": int(stratum) if stratum.isdigit() else None,
    }


def _by_systemd(deadline_s: float) -> Optional[Dict[str, Any]]:
    said = bounded.run(["timedatectl", "show", "-p", "NTPSynchronized", "-p", "NTP"], deadline_s)
    found = dict(line.partition("=")[::2] for line in said.out.splitlines())
    if said.rc != 0 or "NTPSynchronized" not in found:
        return None
    return {
        "synchronised": found["NTPSynchronized"] == "yes",
        "source": None,
        "offset_s": None,
        "stratum": None,
    }


def _by_kernel() -> Optional[Dict[str, Any]]:
    """Ask adjtimex(2), which changes nothing with no mode set."""
    import ctypes

    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    if state < 0:
        return None
    _, offset, _, _, _, status = _TIMEX.unpack_from(buffer.raw)
    unit_s = 1e-9 if status & _STA_NANO else 1e-6
    is_synchronised = state != _TIME_ERROR and not status & _STA_UNSYNC
    return {
        "synchronised": is_synchronised,
        "source": "kernel",
        "offset_s": offset * unit_s if is_synchronised else None,
        "stratum": None,
    }
