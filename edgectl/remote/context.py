"""All that a task may touch besides its arguments."""

from __future__ import annotations

import os

from edgectl.remote.lean import Any, Callable, Dict, NamedTuple
from edgectl.remote.proc import Proc


class HostPaths(NamedTuple):
    """Where edgectl keeps its things at this host (contract, section 8).

    `state` and `run` are the user's who runs the job; `machine` is where what concerns all of them lies, and
    `lock` the folder whose kernel lock they share, with `holders` for who has it.
    """

    state: str
    run: str
    machine: str
    lock: str
    holders: str

    @property
    def runs(self) -> str:
        """Journals, one folder per run."""
        return os.path.join(self.state, "runs")

    @property
    def runner(self) -> str:
        """The code that was sent, by digest; the first stage (`ssh/loader.py`) looks for it there."""
        return os.path.join(self.state, "runner")

    @property
    def blobs(self) -> str:
        """Content-addressed files: model weights above all."""
        return os.path.join(self.state, "blobs")

    @property
    def rebooting(self) -> str:
        """Whose reboot this host is going through."""
        return os.path.join(self.machine, "rebooting.json")


def host_paths(environment: Dict[str, str], uid: int) -> HostPaths:
    """Choose the folders: the system's for root, else the user's own; EDGECTL_HOST_ROOT moves them."""
    root = environment.get("EDGECTL_HOST_ROOT", "")
    machine, run = root + "/var/lib/edgectl", root + "/run/edgectl"
    if root:
        return HostPaths(machine, run, machine, run, run)
    holders = "/run/lock" if os.access("/run/lock", os.W_OK) else "/tmp"  # noqa: S108 - see `hostlock`
    if uid == 0:
        return HostPaths(machine, run, machine, "/run", holders)
    home = environment.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    state = os.path.join(home, "edgectl")
    # The session's own tmpfs where there is one: what must not outlive the boot goes there.
    own = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    return HostPaths(state, os.path.join(own, "edgectl"), machine, "/run", holders)


class TaskContext(NamedTuple):
    """Handed to every `run(args, context)`.

    `blobs` maps a sha256 to the bytes that came with the job; `check` asks for no change at all, `diff` for
    the text of the change. `tell` takes how many bytes are done and how many there are (0: not known), at most once
    a second.
    """

    check: bool
    diff: bool
    proc: Proc
    paths: HostPaths
    blobs: Dict[str, bytes]
    tell: Callable[[int, int], Any] = lambda _done, _total: None
