"""Continue a job after a reboot, as the unit that was laid for it does; it has no controller to talk to."""

from __future__ import annotations

import os
import signal

from edgectl.remote import bootunit, journal
from edgectl.remote.context import host_paths
from edgectl.remote.detach import MARK
from edgectl.remote.emit import Line
from edgectl.remote.errands import Request, decode_job
from edgectl.remote.job import digest_of
from edgectl.remote.lasting import run_alone


def main(job_id: str) -> None:
    """Continue the job; leave it alone where somebody came first, or must come."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    paths = host_paths(dict(os.environ), os.geteuid())
    folder = journal.folder_of(paths, job_id)
    live = journal.hold(folder)
    if live is None:
        return
    mine = journal.reopen(folder, live)
    head = journal.head(mine.lines)
    with open(bootunit.job_path(folder), "rb") as stream:
        raw = stream.read()
    if journal.is_finished(mine.messages()):
        bootunit.remove(job_id)
    elif digest_of(raw) == head.get("digest"):
        os.environ[MARK] = folder
        mine.name_runner()
        asked = Request("start", job_id, by=str(head["started_by"]), attempt=int(head["attempt"]))
        job = decode_job(raw, asked)
        run_alone(job, Line(os.open(os.devnull, os.O_WRONLY), ""), mine, paths)
