"""MIG slices: how many of a profile one GPU gives, and how much memory each has."""

from __future__ import annotations

import re

_PROFILE = re.compile(r"^\d+g\.(\d+)gb$")
# No GPU has more compute slices (NVIDIA MIG user guide).
_MOST = 7
# A profile's name rounds up what it has: four of 24 GB on a card of 95.6 GiB.
_ROUNDED = 0.1
_MIB_PER_GIB = 1024


def slices(profile: str, memory_mib: int) -> tuple[int, int]:
    """Return how many slices of a profile (`1g.24gb`, '' for the whole GPU) a GPU has, and the MiB of each."""
    if not profile:
        return 1, memory_mib
    match = _PROFILE.match(profile)
    if match is None:
        raise ValueError(f"'{profile}' is no MIG profile; one is called 1g.24gb")
    size_mib = int(match[1]) * _MIB_PER_GIB
    count = min(_MOST, int(memory_mib / size_mib + _ROUNDED))
    return count, min(size_mib, memory_mib // max(1, count))
