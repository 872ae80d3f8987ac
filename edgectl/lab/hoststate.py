"""Whether a lab host could answer, faults of the line aside."""

from __future__ import annotations

from enum import StrEnum


class HostState(StrEnum):
    """What a host is doing right now."""

    UP = "up"
    DOWN = "down"
    REBOOTING = "rebooting"
