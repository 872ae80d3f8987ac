"""Which specification a person means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgectl.errors import InputError


def known_specs(inventory: Path) -> Mapping[str, Path]:
    """Return the specifications of an inventory by their names; locks are none."""
    folder = (inventory if inventory.is_dir() else inventory.parent) / "services"
    return {path.stem: path for path in sorted(folder.glob("*.yaml")) if ".lock" not in path.suffixes}


def spec_path(given: Path, inventory: Path) -> Path:
    """A bare name means the inventory's own specification; anything else is a path."""
    if given.suffix or given.exists():
        return given
    from edgectl.complaints import did_you_mean

    known = known_specs(inventory)
    if str(given) not in known:
        where = (inventory if inventory.is_dir() else inventory.parent) / "services"
        raise InputError(f"there is no service '{given}' in {where}{did_you_mean(str(given), known)}")
    return known[str(given)]
