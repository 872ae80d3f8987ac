"""Which specification a person means."""

from __future__ import annotations

from pathlib import Path

from edgectl.errors import InputError


def spec_path(given: Path, inventory: Path) -> Path:
    """A bare name means the inventory's own specification; anything else is a path."""
    if given.suffix or given.exists():
        return given
    from edgectl.complaints import did_you_mean

    known = {
        path.stem: path for path in (inventory / "services").glob("*.yaml") if ".lock" not in path.suffixes
    }
    if str(given) not in known:
        message = (
            f"there is no service '{given}' in {inventory / 'services'}{did_you_mean(str(given), known)}"
        )
        raise InputError(message)
    return known[str(given)]
