"""A job that reads and must not be disturbed: it shares its host with others of its kind, and with no changes."""

from __future__ import annotations

from edgectl.remote import hostlock
from edgectl.remote.context import HostPaths
from edgectl.remote.emit import Line
from edgectl.remote.job import Job
from edgectl.remote.protocol import Busy, encode_message
from edgectl.remote.work import read_only


def run_shared(job: Job, line: Line, paths: HostPaths) -> None:
    """Run the job while nobody changes the host."""
    lock = hostlock.take(paths, hostlock.Holder(job.run, job.id, job.started_by), shared=True)
    if isinstance(lock, hostlock.Holder):
        line.send(encode_message(Busy(lock.told())))
        return
    read_only(job, line, paths)
    lock.forget()
