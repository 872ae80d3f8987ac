"""The runner's front: read one request, and start a job, come back to it, or stop it.

What only some requests need is imported by name, and travels with those alone (`ssh/loader.py`).
"""

from __future__ import annotations

import os

from edgectl.remote import bundles
from edgectl.remote.context import HostPaths, host_paths
from edgectl.remote.emit import Line, take_stdout
from edgectl.remote.errands import Request, decode_job, decode_request
from edgectl.remote.identity import hello
from edgectl.remote.job import Job
from edgectl.remote.lean import SIG_IGN, SIGHUP, Any, import_module, on_signal
from edgectl.remote.work import read_only


def main(magic: str, asked: bytes, raw: bytes, place: str = "", code: bytes = b"") -> None:
    """Serve the request in `asked`; `raw` is the job it is about, where that is to be started.

    `code` is what runs here, to be kept at `place` for the next time where that is given.
    """
    line = take_stdout(magic)
    if place:
        bundles.keep(place, code)
    on_signal(SIGHUP, SIG_IGN)
    request = decode_request(asked)
    paths = host_paths(dict(os.environ), os.geteuid())
    if request.verb == "start":
        _start(decode_job(raw, request), request, line, paths)
        return
    line.send(hello(resumed=True))
    if request.verb == "cancel":
        _part("cancel").cancel(request, paths)
    _part("follow").to_its_end(request, line, paths)


def _start(job: Job, request: Request, line: Line, paths: HostPaths) -> None:
    if job.changes:
        _part("start").apart(job, request, line, paths)
        return
    line.send(hello(resumed=False))
    if job.shares:
        _part("sharing").run_shared(job, line, paths)
    else:
        read_only(job, line, paths)


def _part(name: str) -> Any:
    return import_module(f"edgectl.remote.{name}")
