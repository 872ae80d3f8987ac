"""Start a job if it is absent, else come back to it: one operation, decided by an exclusive create."""

from __future__ import annotations

import os

from edgectl.remote import follow, journal, retention
from edgectl.remote.context import HostPaths
from edgectl.remote.detach import Leaving, go_apart
from edgectl.remote.emit import Line
from edgectl.remote.errands import Request
from edgectl.remote.identity import boot_id, hello
from edgectl.remote.job import Job, job_id
from edgectl.remote.lasting import run_alone
from edgectl.remote.lean import List, Optional, Union, import_module
from edgectl.remote.protocol import Refused, encode_message


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
    if mine is not None and go_apart(mine.folder, leaving):
        mine.name_runner()
        run_alone(job, line, mine, paths)


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
        "attempt": job.attempt,
    }
    if retention.is_pruned(paths, request.job):
        line.send(hello(resumed=True))
        line.send(encode_message(Refused(f"run {job.run} ended here long ago; start a new run")))
        return None
    earlier = _earlier(job, request, paths)
    if isinstance(earlier, Refused):
        line.send(hello(resumed=True))
        line.send(encode_message(earlier))
        return None
    mine = journal.create(folder, head, earlier)
    line.send(hello(resumed=mine is None))
    if mine is not None:
        _replay(mine, line, request.after)
        return mine
    past = list(journal.lines(folder))
    refusal = _refusal(past, request, job)
    if refusal:
        line.send(encode_message(Refused(refusal)))
        return None
    if request.confirms is not None:
        import_module("edgectl.remote.undo").Undo(folder, request.confirms).confirm()
    live = None if journal.is_finished(journal.events(past)) else journal.hold(folder)
    if live is None:
        follow.until_end(folder, line, request.after)
        return None
    mine = journal.reopen(folder, live)
    _replay(mine, line, request.after)
    return mine


def _earlier(job: Job, request: Request, paths: HostPaths) -> Union[List[str], Refused]:
    """Return what the attempt before this one, which failed, need not do again; nothing for a first attempt."""
    if not job.attempt:
        return []
    folder = journal.folder_of(paths, job_id(job.run, job.stage, job.attempt - 1))
    if not os.path.isdir(folder):
        return Refused(f"run {job.run} is to go on here, and its journal is gone; start a new run")
    past = list(journal.lines(folder))
    refusal = _refusal(past, request, job)
    return Refused(refusal) if refusal else journal.done_before(past)


def _replay(mine: journal.Journal, line: Line, after: int) -> None:
    for text, event in zip(mine.lines[1:], mine.messages()):
        if event.seq > after:
            line.send(text)


def _refusal(past: List[str], request: Request, job: Job) -> str:
    """Return why a job under this id must not go on, or an empty text."""
    head = journal.head(past)
    if head.get("cancelled") or head.get("digest") == request.digest:
        return ""
    was = "with another job" if head else "and its journal is damaged"
    return f"run {job.run} was started here {was}; start a new run"
