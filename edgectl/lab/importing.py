"""Where the lab's own processes find this package."""

from __future__ import annotations

import os
from pathlib import Path

import edgectl


def import_path() -> str:
    """Return the PYTHONPATH that a new interpreter needs to import what this one does of edgectl."""
    package = str(Path(edgectl.__file__).parent.parent)
    return os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
