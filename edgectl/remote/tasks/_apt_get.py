"""apt-get and its kin, as the module apt uses them."""

from __future__ import annotations

import os
import time

from edgectl.remote.proc import Completed, Proc
from edgectl.remote.tasks._apt_plan import Offer, offers

_ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
# apt waits by itself for dpkg's lock since 1.9.11; for the locks of its lists and archives it does not.
_LOCKED = ("Could not get lock", "Unable to lock", "Unable to acquire the dpkg frontend lock")
_LOCK_PAUSE_S = 1.0
_STAMP = "/var/lib/apt/periodic/update-success-stamp"
_LISTS = "/var/lib/apt/lists"
_MARKS = "/var/lib/apt/extended_states"


class AptGet:
    """apt-get with the options of one task."""

    def __init__(self, proc: Proc, options: list[str], lock_timeout_s: int) -> None:
        self._proc = proc
        self._options = options
        self._lock_timeout_s = lock_timeout_s

    def run(self, *words: str, simulate: bool = False) -> Completed:
        """Run apt-get; while another one holds a lock, wait as long as the task allows."""
        command = ["apt-get", "-y", "-o", f"DPkg::Lock::Timeout={self._lock_timeout_s}", *self._options]
        command += ["-s"] * simulate + list(words)
        until = time.monotonic() + self._lock_timeout_s
        done = self._proc.run(command, environment=_ENVIRONMENT)
        while done.rc != 0 and any(words in done.stderr for words in _LOCKED) and time.monotonic() < until:
            time.sleep(_LOCK_PAUSE_S)
            done = self._proc.run(command, environment=_ENVIRONMENT)
        return done

    def offers(self, names: list[str]) -> dict[str, Offer]:
        """Return what the package sources have of each name."""
        return offers(self._proc.query(["apt-cache", *self._release(), "policy", *names]).stdout)

    def _release(self) -> list[str]:
        """Return the options that change what is on offer."""
        at = self._options.index("-t") if "-t" in self._options else None
        if at is None:
            return []
        return ["-o", f"APT::Default-Release={self._options[at + 1]}"]

    def names(self) -> list[str]:
        """Return every name that the package sources have."""
        return self._proc.query(["apt-cache", "pkgnames"]).stdout.split()

    def compare(self, version: str, operator: str, other: str) -> bool:
        """Compare two versions as dpkg does."""
        return self._proc.run(["dpkg", "--compare-versions", version, operator, other]).rc == 0

    def automatic(self, names: list[str]) -> list[str]:
        """Return which of these apt would remove when nothing needs them any more."""
        try:
            with open(_MARKS, encoding="utf-8") as stream:
                blocks = stream.read().split("\n\n")
        except OSError:
            return []
        marked = {
            block.split("\n", 1)[0].partition(": ")[2] for block in blocks if "Auto-Installed: 1" in block
        }
        return [name for name in names if name in marked]

    def mark_manual(self, names: list[str]) -> None:
        """Keep packages that were asked for."""
        self._proc.run(["apt-mark", "manual", *names], environment=_ENVIRONMENT)


def lists_time() -> int:
    """Return when the package lists were brought up to date, in seconds since 1970, 0 for never.

    The folder of a fresh image is as young as the image, and holds no lists at all.
    """
    if os.path.exists(_STAMP):
        return int(os.stat(_STAMP).st_mtime)
    has_lists = os.path.isdir(_LISTS) and any(
        name.endswith(("Packages", "Release")) for name in os.listdir(_LISTS)
    )
    return int(os.stat(_LISTS).st_mtime) if has_lists else 0
