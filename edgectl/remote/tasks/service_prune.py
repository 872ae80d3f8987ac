"""Let go of releases that nobody goes back to, and of the files that no release has any more."""

from __future__ import annotations

import os
import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Iterator
from edgectl.remote.result import TaskResult, changed, ok
from edgectl.remote.tasks._releases import Releases

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the service, and how much of it stays."""

    service: str = arg(doc="The service's name.")
    keep: int = arg(2, doc="How many earlier releases stay; those in force and before it always do.")
    grace: float = arg(86400.0, doc="Seconds for which a file stays that no release has yet.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Remove them, or in check mode count them."""
    releases = Releases(context.paths, args.service)
    gone = releases.beyond(args.keep)
    if not context.check:
        releases.prune(args.keep)
    freed = 0
    for path, size in list(_unused(context.paths.blobs, args.grace)):
        freed += size
        if not context.check:
            os.unlink(path)
    if not gone and not freed:
        return ok()
    would = "would go" if context.check else "gone"
    said = f"{len(gone)} releases and {freed / 1e6:,.1f} MB of files {would}"
    return changed(said, releases=gone, freed=freed)


def _unused(blobs: str, grace_s: float) -> Iterator[tuple[str, int]]:
    """Yield each file that has no name but its own, and what was left half fetched, once it is old enough."""
    for folder, _, names in os.walk(blobs):
        for name in names:
            path = os.path.join(folder, name)
            found = os.stat(path)
            if found.st_nlink == 1 and time.time() - found.st_ctime > grace_s:
                yield path, found.st_size
