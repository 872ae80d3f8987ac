"""Folders of the machine that lab hosts see under /usr/local/lib/edgectl-lab: what runs their programs.

They are shown under names of their own because a virtual environment or its interpreter may live in a home,
in /tmp or in /usr/local, which are the host's own.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import edgectl
from edgectl.lab.image import LINKED_PYTHON


def folders_to_show() -> tuple[tuple[str, Path], ...]:
    """Return (name, folder): the package, this interpreter, the engine's library where it is installed."""
    package = Path(edgectl.__file__).parent
    shown = [("edgectl", package), ("python", Path(sys.base_prefix))]
    if engine := engine_library():
        shown.append(("site", engine))
    return tuple(shown)


def engine_library() -> Path | None:
    """Return the folder that holds the package `xllamacpp`; None where it is not installed."""
    found = importlib.util.find_spec("xllamacpp")
    return Path(found.origin).parent.parent if found and found.origin else None


def host_python() -> str:
    """Return the interpreter of lab hosts: the machine's where it is 3.9 or later, else edgectl's own."""
    machine = "/usr/bin/python3"
    new_enough = "import sys; sys.exit(sys.version_info < (3, 9))"
    if Path(machine).exists() and not subprocess.run([machine, "-ISc", new_enough], check=False).returncode:
        return machine
    return LINKED_PYTHON
