"""A job in the process that is to run it: everything that its tasks share, and then its tasks."""

from __future__ import annotations

import binascii
import os
import zlib

from edgectl.remote.child import Children, Identity, identity_of
from edgectl.remote.context import HostPaths
from edgectl.remote.emit import Emitter, Line
from edgectl.remote.identity import boot_id
from edgectl.remote.job import Job
from edgectl.remote.lean import Dict, Optional
from edgectl.remote.reboots import AroundReboot
from edgectl.remote.runner import Continuity, Runner
from edgectl.remote.scope import Scope
from edgectl.remote.spill import Shelf
from edgectl.remote.taskrun import Surroundings, perform
from edgectl.remote.withheld import Keep


def read_only(job: Job, line: Line, paths: HostPaths) -> None:
    """Run a job that changes nothing: without a journal, and for no longer than its session lasts."""
    now = boot_id()
    continuity = Continuity([], now, now, Keep(paths.run, job.id), AroundReboot())
    run_tasks(job, line, Emitter(line, None, job.secrets), paths, continuity, None)


def run_tasks(
    job: Job, line: Line, emitter: Emitter, paths: HostPaths, continuity: Continuity, shelf: Optional[Shelf]
) -> None:
    """Run what is left of a job. Raises `HostIsGoingDown`, and `Unwritable` where the journal cannot be written."""
    blobs = {digest: zlib.decompress(binascii.a2b_base64(packed)) for digest, packed in job.blobs.items()}
    children = Children(
        lambda request, tell: perform(request, paths, blobs, shelf, tell), on_fork=line.let_go
    )
    around = Surroundings(Scope(job), paths, blobs, login_identity(dict(os.environ)), children)
    try:
        Runner(job, emitter, around, continuity).run()
    finally:
        children.close()


def login_identity(environment: Dict[str, str]) -> Optional[Identity]:
    """Return who logged in, where sudo made the runner root; None where it runs as whoever logged in."""
    name = environment.get("SUDO_USER")
    return identity_of(name) if name and os.geteuid() == 0 and name != "root" else None
