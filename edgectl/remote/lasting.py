"""A job that changes something: alone on its host, written down, and tidied up behind at its end."""

from __future__ import annotations

from edgectl.remote import hostlock, journal, registry, retention
from edgectl.remote.context import HostPaths
from edgectl.remote.emit import Emitter, Line
from edgectl.remote.hostlock import HostLock
from edgectl.remote.identity import boot_id
from edgectl.remote.job import Job
from edgectl.remote.lean import Any, List, import_module
from edgectl.remote.protocol import Booted, Busy, Message, encode_message
from edgectl.remote.reboots import AroundReboot, HostIsGoingDown
from edgectl.remote.runner import Continuity
from edgectl.remote.spill import shelf_in
from edgectl.remote.withheld import Keep
from edgectl.remote.work import run_tasks


def run_alone(job: Job, line: Line, mine: journal.Journal, paths: HostPaths) -> None:
    """Run a job that this process holds, as the only one that changes this host."""
    lock = hostlock.take(paths, hostlock.Holder(job.run, job.id, job.started_by), shared=False)
    if isinstance(lock, hostlock.Holder):
        # Not an event of this job: it has not begun, and the next attach may find the host free.
        line.send(encode_message(Busy(lock.told())))
    else:
        _carry_on(job, line, mine, paths, lock)


def _carry_on(job: Job, line: Line, mine: journal.Journal, paths: HostPaths, lock: HostLock) -> None:
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
        run_tasks(job, line, emitter, paths, continuity, shelf)
    except (HostIsGoingDown, journal.Unwritable):
        return
    keep.forget()
    if any(getattr(registry.load(module), "ENDS_BOOT", False) for module in job.modules()):
        _boot_unit().remove(job.id)
    lock.forget()
    retention.prune(paths)


def _boot_unit() -> Any:
    """Import what travels only with jobs that reboot (`ssh/bundle.py`)."""
    return import_module("edgectl.remote.bootunit")


def _last_boot(lines: List[str], past: List[Message]) -> str:
    boots = [message.boot_id for message in past if isinstance(message, Booted)]
    return boots[-1] if boots else str(journal.head(lines)["boot_id"])
