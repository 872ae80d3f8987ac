"""Where the example inventory and the playbooks that come with edgectl lie, installed or in a checkout."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from edgectl.errors import MissingError


def inventory() -> Path:
    """Return the folder of the shipped example inventory."""
    return _folder("inventory")


def playbooks() -> Path:
    """Return the folder of the shipped playbooks."""
    return _folder("playbooks")


def _folder(name: str) -> Path:
    """Look inside the package, where a wheel carries them, then at a checkout's top level."""
    package = Path(str(resources.files("edgectl")))
    for folder in (package / "_shipped" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise MissingError(
        f"the {name} shipped with edgectl are not at {package}", hint="pip install --force-reinstall edgectl"
    )
