"""Old journals go, so that edge disks do not fill; what stays of each is that it must never start again."""

from __future__ import annotations

import os
import time

from edgectl.remote import durable, journal
from edgectl.remote.context import HostPaths
from edgectl.remote.lean import Set, Tuple, suppress

KEEP_JOBS = 200
KEEP_S = 30 * 86400.0
# Run ids sort by time, so that one line can stand for all older ones once there are many.
_MOST_TOMBSTONES = 5000


def is_pruned(paths: HostPaths, job: str) -> bool:
    """Tell whether a job was here, ended, and was forgotten but for its name."""
    horizon, names = _tombstones(paths)
    return job in names or job <= horizon


def prune(paths: HostPaths) -> None:
    """Forget jobs older than 30 days, and beyond the newest 200; never one that is running. Never raises."""
    with suppress(OSError):
        folders = sorted(
            (os.stat(path).st_mtime, path)
            for path in (os.path.join(paths.runs, name) for name in os.listdir(paths.runs))
            if os.path.isdir(path)
        )
        too_many = max(0, len(folders) - KEEP_JOBS)
        for number, (written, path) in enumerate(folders):
            if number < too_many or time.time() - written > KEEP_S:
                _bury(paths, path)


def _bury(paths: HostPaths, folder: str) -> None:
    live = journal.hold(folder)
    if live is None:
        return
    name = os.path.basename(folder)
    if not name.endswith(".new"):  # a start that was cut off has no name of its own
        remember(paths, {name})
    import shutil

    shutil.rmtree(folder)
    os.close(live)


def remember(paths: HostPaths, jobs: Set[str]) -> None:
    """Write down that these jobs are over. Of very many, the newest of the older half stands for all before it."""
    horizon, names = _tombstones(paths)
    kept = sorted(names | jobs)
    if len(kept) > _MOST_TOMBSTONES:
        half = len(kept) // 2
        horizon, kept = kept[half - 1], kept[half:]
    durable.write(_path(paths), ("\n".join([horizon, *kept]) + "\n").encode())


def _path(paths: HostPaths) -> str:
    return os.path.join(paths.state, "tombstones")


def _tombstones(paths: HostPaths) -> Tuple[str, Set[str]]:
    """Return the name up to which every job is forgotten, and the names of single ones after it."""
    try:
        with open(_path(paths)) as stream:
            horizon, *names = stream.read().splitlines() or [""]
    except FileNotFoundError:
        return "", set()
    return horizon, set(names)
