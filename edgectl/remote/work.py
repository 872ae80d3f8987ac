"""A job in the process that is to run it: everything that its tasks share, and then its tasks."""

from __future__ import annotations

import binascii
import importlib
import os
import zlib
from typing import Any, Dict, List, Optional

from edgectl.remote import hostlock, journal, retention
from edgectl.remote.child import Children, Identity, identity_of
from edgectl.remote.context import HostPaths
from edgectl.remote.emit import Emitter, Line
from edgectl.remote.hostlock import HostLock
from edgectl.remote.identity import boot_id
from edgectl.remote.protocol import Booted, Job, Message, Rebooting
from edgectl.remote.reboots import AroundReboot, HostIsGoingDown
from edgectl.remote.runner import Continuity, Runner
from edgectl.remote.scope import Scope
from edgectl.remote.spill import Shelf, shelf_in
from edgectl.remote.taskrun import Surroundings, perform
from edgectl.remote.withheld import Keep


def read_only(job: Job, line: Line, paths: HostPaths) -> None:
    """Run a job that changes nothing: nobody needs to know of it later."""
    now = boot_id()
    continuity = Continuity([], now, now, Keep(paths.run, job.id), AroundReboot())
    _run(job, line, Emitter(line, None, job.secrets), paths, continuity, None)


def carry_on(job: Job, line: Line, mine: journal.Journal, paths: HostPaths, lock: HostLock) -> None:
    """Run what is left of a job that this process holds, and tidy up behind it when it has ended."""

    def keep_host(within_s: float) -> None:
        hostlock.expect_reboot(paths, lock.holder, within_s)
        _boot_unit().install(job, mine.folder)

    past = mine.messages()
    keep = Keep(paths.run, job.id)
    reboot = AroundReboot(keep_host, lambda: hostlock.reboot_is_over(paths))
    continuity = Continuity(past, boot_id(), _last_boot(mine.lines, past), keep, reboot, mine.folder)
    try:
        # What is kept at the host is not redacted, so a job with secrets keeps no output there.
        shelf = None if job.secrets else shelf_in(mine.folder)
        emitter = Emitter(line, mine, job.secrets, on_task=lock.doing)
        _run(job, line, emitter, paths, continuity, shelf)
    except (HostIsGoingDown, journal.Unwritable):
        return
    keep.forget()
    if any(isinstance(message, Rebooting) for message in past):
        _boot_unit().remove(job.id)
    lock.forget()
    retention.prune(paths)


def _boot_unit() -> Any:
    """Import what travels only with jobs that reboot (`ssh/bundle.py`)."""
    return importlib.import_module("edgectl.remote.bootunit")


def _last_boot(lines: List[str], past: List[Message]) -> str:
    boots = [message.boot_id for message in past if isinstance(message, Booted)]
    return boots[-1] if boots else str(journal.head(lines)["boot_id"])


def _run(
    job: Job, line: Line, emitter: Emitter, paths: HostPaths, continuity: Continuity, shelf: Optional[Shelf]
) -> None:
    blobs = {digest: zlib.decompress(binascii.a2b_base64(packed)) for digest, packed in job.blobs.items()}
    children = Children(lambda request: perform(request, paths, blobs, shelf), on_fork=line.let_go)
    around = Surroundings(Scope(job), paths, blobs, login_identity(dict(os.environ)), children)
    try:
        Runner(job, emitter, around, continuity).run()
    finally:
        children.close()


def login_identity(environment: Dict[str, str]) -> Optional[Identity]:
    """Return who logged in, where sudo made the runner root; None where it runs as whoever logged in."""
    name = environment.get("SUDO_USER")
    return identity_of(name) if name and os.geteuid() == 0 and name != "root" else None
