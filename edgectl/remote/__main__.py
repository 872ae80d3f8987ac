"""The runner's front: read one job, start it if it is absent, else come back to it."""

from __future__ import annotations

import binascii
import contextlib
import os
import pwd
import signal
import sys
import time
import zlib
from typing import Dict, List, Optional

from edgectl.remote import hostlock, journal
from edgectl.remote.child import Identity, identity_of
from edgectl.remote.context import HostPaths, host_paths
from edgectl.remote.emit import Emitter, Line, take_stdout
from edgectl.remote.protocol import (
    Busy,
    Ended,
    Hello,
    Job,
    Message,
    Refused,
    decode_job,
    decode_message,
    encode_message,
)
from edgectl.remote.reboots import HostIsGoingDown
from edgectl.remote.runner import Runner
from edgectl.remote.scope import Scope
from edgectl.remote.taskrun import Surroundings

_FOLLOW_INTERVAL_S = 0.2


def main(magic: str, raw: bytes, from_seq: int, digest: str) -> None:
    """Serve the job in `raw`, whose identity is `digest`, sending events after number `from_seq`."""
    line = take_stdout(magic)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    job = decode_job(raw)
    if not job.changes:
        line.send(_hello(resumed=False))
        _run(job, line, None, [])
        return
    try:
        _start_or_attach(job, digest, line, from_seq)
    except OSError as error:
        line.send(encode_message(Refused(f"cannot write the journal: {error}; nothing was changed")))


def _start_or_attach(job: Job, digest: str, line: Line, from_seq: int) -> None:
    paths = host_paths(dict(os.environ), os.geteuid())
    folder = os.path.join(paths.runs, job.id)
    head = {"digest": digest, "host": job.host, "started_by": job.started_by, "boot_id": boot_id()}
    mine = journal.create(folder, head)
    if mine is not None:
        journal.hold(folder)
        line.send(_hello(resumed=False))
        _run_locked(job, line, mine, [], paths)
        return
    line.send(_hello(resumed=True))
    past = journal.reopen(folder)
    if past.digest != digest:
        line.send(
            encode_message(Refused(f"run {job.run} was started here with another job; start a new run"))
        )
        return
    if journal.is_finished(past.messages()) or not journal.hold(folder):
        _follow(folder, line, from_seq)
        return
    past = journal.reopen(folder)
    for text, message in zip(past.lines[1:], past.messages()):
        if message.seq > from_seq:
            line.send(text)
    _run_locked(job, line, past, past.messages(), paths)


def _run_locked(job: Job, line: Line, mine: journal.Journal, past: List[Message], paths: HostPaths) -> None:
    holder = hostlock.take(paths, {"run": job.run, "by": job.started_by})
    if holder is not None:
        Emitter(line, mine, {}).emit(Busy(holder))
        return
    _run(job, line, mine, past)


def _run(job: Job, line: Line, mine: Optional[journal.Journal], past: List[Message]) -> None:
    around = Surroundings(
        scope=Scope(job),
        paths=host_paths(dict(os.environ), os.geteuid()),
        blobs={digest: zlib.decompress(binascii.a2b_base64(packed)) for digest, packed in job.blobs.items()},
        login=login_identity(dict(os.environ)),
    )
    with contextlib.suppress(HostIsGoingDown):
        Runner(job, Emitter(line, mine, job.secrets), around, past, boot_id()).run()


def _follow(folder: str, line: Line, from_seq: int) -> None:
    """Send the journal of a job that another process runs, or ran, from an event on, until its end."""
    sent = from_seq
    while not line.broken:
        for text in list(journal.complete_lines(folder))[1:]:
            message = decode_message(text)
            if message.seq > sent:
                line.send(text)
                sent = message.seq
            if isinstance(message, Ended):
                return
        if journal.hold(folder):
            return  # its runner is gone without an end: the next attach will continue the job
        time.sleep(_FOLLOW_INTERVAL_S)


def login_identity(environment: Dict[str, str]) -> Optional[Identity]:
    """Return who logged in, where sudo made the runner root; None where it runs as whoever logged in."""
    name = environment.get("SUDO_USER")
    return identity_of(name) if name and os.geteuid() == 0 and name != "root" else None


def boot_id() -> str:
    """Return the kernel's id of this boot."""
    with open("/proc/sys/kernel/random/boot_id") as stream:
        return stream.read().strip()


def _hello(*, resumed: bool) -> str:
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return encode_message(Hello(sys.version.split()[0], boot_id(), user, resumed))
