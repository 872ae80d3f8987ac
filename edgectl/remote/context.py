"""All that a task may touch besides its arguments."""

from __future__ import annotations

import os
from typing import Dict, NamedTuple

from edgectl.remote.proc import Proc


class HostPaths(NamedTuple):
    """Where edgectl keeps its things at this host (contract, section 8)."""

    state: str
    run: str

    @property
    def runs(self) -> str:
        """Journals, one folder per run."""
        return os.path.join(self.state, "runs")

    @property
    def blobs(self) -> str:
        """Content-addressed files: model weights above all."""
        return os.path.join(self.state, "blobs")


def host_paths(environment: Dict[str, str], uid: int) -> HostPaths:
    """Choose the folders: the system's for root, else the user's own; EDGECTL_HOST_ROOT moves them."""
    root = environment.get("EDGECTL_HOST_ROOT", "")
    if uid == 0 or root:
        return HostPaths(root + "/var/lib/edgectl", root + "/run/edgectl")
    home = environment.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    state = os.path.join(home, "edgectl")
    return HostPaths(state, os.path.join(state, "run"))


class TaskContext(NamedTuple):
    """Handed to every `run(args, context)`.

    `blobs` maps a sha256 to the bytes that came with the job; `check` asks for no change at all, `diff` for
    the text of the change.
    """

    check: bool
    diff: bool
    proc: Proc
    paths: HostPaths
    blobs: Dict[str, bytes]
