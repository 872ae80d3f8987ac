"""The runner's front: read one request, and start a job, come back to it, or stop it."""

from __future__ import annotations

import importlib
import os
import signal

from edgectl.remote import follow, start
from edgectl.remote.context import host_paths
from edgectl.remote.emit import take_stdout
from edgectl.remote.identity import hello
from edgectl.remote.protocol import decode_job, decode_request


def main(magic: str, asked: bytes, raw: bytes) -> None:
    """Serve the request in `asked`; `raw` is the job it is about, where that is to be started."""
    line = take_stdout(magic)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    request = decode_request(asked)
    paths = host_paths(dict(os.environ), os.geteuid())
    if request.verb == "start":
        job = decode_job(raw, request)
        if job.changes:
            start.apart(job, request, line, paths)
        else:
            start.attached(job, line, paths)
        return
    line.send(hello(resumed=True))
    if request.verb == "cancel":
        # It travels only with this errand (`ssh/bundle.py`).
        importlib.import_module("edgectl.remote.cancel").cancel(request, paths)
    follow.to_its_end(request, line, paths)
