"""Start a job if it is absent, else come back to it: one operation, decided by an exclusive create."""

from __future__ import annotations

import importlib
from typing import List, Optional

from edgectl.remote import follow, hostlock, journal, retention
from edgectl.remote.context import HostPaths
from edgectl.remote.detach import Leaving, go_apart
from edgectl.remote.emit import Line
from edgectl.remote.identity import boot_id, hello
from edgectl.remote.protocol import Busy, Job, Refused, Request, encode_message
from edgectl.remote.work import carry_on, read_only


def attached(job: Job, line: Line, paths: HostPaths) -> None:
    """Run a job that only reads: without a journal, and for no longer than its session lasts."""
    line.send(hello(resumed=False))
    if not job.shares:
        read_only(job, line, paths)
        return
    lock = hostlock.take(paths, hostlock.Holder(job.run, job.id, job.started_by), shared=True)
    if isinstance(lock, hostlock.Holder):
        line.send(encode_message(Busy(lock.told())))
        return
    read_only(job, line, paths)
    lock.forget()


def apart(job: Job, request: Request, line: Line, paths: HostPaths) -> None:
    """Run a job that changes something in a process that outlives the session, or come back to that."""
    leaving = Leaving(request.job)
    try:
        mine = _start_or_come_back(job, request, line, paths)
        if mine is not None:
            mine.messages()
    except (OSError, journal.Unwritable, ValueError) as error:
        line.send(encode_message(Refused(f"cannot write the journal: {error}; nothing was changed")))
        return
    if mine is not None and go_apart(request.job, mine.folder, leaving):
        mine.name_runner()
        run_alone(job, line, mine, paths)


def run_alone(job: Job, line: Line, mine: journal.Journal, paths: HostPaths) -> None:
    """Run a job that this process holds, as the only one that changes this host."""
    lock = hostlock.take(paths, hostlock.Holder(job.run, job.id, job.started_by), shared=False)
    if isinstance(lock, hostlock.Holder):
        # Not an event of this job: it has not begun, and the next attach may find the host free.
        line.send(encode_message(Busy(lock.told())))
    else:
        carry_on(job, line, mine, paths, lock)


def _start_or_come_back(
    job: Job, request: Request, line: Line, paths: HostPaths
) -> Optional[journal.Journal]:
    """Return the journal of a job that is ours to run, new or to be continued; None where it is not."""
    folder = journal.folder_of(paths, request.job)
    head = {
        "digest": request.digest,
        "host": job.host,
        "started_by": job.started_by,
        "boot_id": boot_id(),
    }
    if retention.is_pruned(paths, request.job):
        line.send(hello(resumed=True))
        line.send(encode_message(Refused(f"run {job.run} ended here long ago; start a new run")))
        return None
    mine = journal.create(folder, head)
    line.send(hello(resumed=mine is None))
    if mine is not None:
        return mine
    past = list(journal.lines(folder))
    refusal = _refusal(past, request, job)
    if refusal:
        line.send(encode_message(Refused(refusal)))
        return None
    if request.confirms is not None:
        importlib.import_module("edgectl.remote.undo").Undo(folder, request.confirms).confirm()
    live = None if journal.is_finished(journal.events(past)) else journal.hold(folder)
    if live is None:
        follow.until_end(folder, line, request.after)
        return None
    mine = journal.reopen(folder, live)
    for text, event in zip(mine.lines[1:], mine.messages()):
        if event.seq > request.after:
            line.send(text)
    return mine


def _refusal(past: List[str], request: Request, job: Job) -> str:
    """Return why a job under this id must not go on, or an empty text."""
    head = journal.head(past)
    if head.get("cancelled") or head.get("digest") == request.digest:
        return ""
    was = "with another job" if head else "and its journal is damaged"
    return f"run {job.run} was started here {was}; start a new run"
