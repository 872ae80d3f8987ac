"""Quadlets: files that podman's generator makes systemd units of, and whether this host's podman has it."""

from __future__ import annotations

import os
import re

from edgectl.remote.proc import Proc

_SECTION = "\n[Container]\n"
_SINCE = (4, 4)
_VERSION = re.compile(r"(\d+)\.(\d+)\S*")


def is_quadlet(text: str) -> bool:
    """Tell whether a unit is one for podman to make a unit of."""
    return _SECTION in text


def file_name(unit: str) -> str:
    """Return the name of the file that becomes a unit of this name."""
    return f"{os.path.splitext(unit)[0]}.container"


def missing(proc: Proc) -> str:
    """Return what the host lacks for quadlets, with its podman's version, or an empty text."""
    done = proc.run(["podman", "--version"])
    found = _VERSION.search(done.stdout)
    if done.rc or found is None:
        return "podman is not installed, and 'runtime: quadlet' needs 4.4 or newer"
    if (int(found[1]), int(found[2])) >= _SINCE:
        return ""
    instead = "a newer podman (Debian 13 has one), or 'runtime: systemd' in the specification"
    return f"podman {found[0]} makes no units of quadlets, 4.4 and newer do: {instead}"
