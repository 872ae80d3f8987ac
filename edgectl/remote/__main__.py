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
from typing import Any, Dict, List, Optional

from edgectl.remote import hostlock, journal
from edgectl.remote.child import Children, Identity, identity_of
from edgectl.remote.context import HostPaths, host_paths
from edgectl.remote.emit import Emitter, Line, take_stdout
from edgectl.remote.protocol import (
    HEARTBEAT_S,
    Busy,
    Ended,
    Heartbeat,
    Hello,
    Job,
    Message,
    Refused,
    TaskStarted,
    decode_job,
    decode_message,
    encode_message,
)
from edgectl.remote.reboots import HostIsGoingDown
from edgectl.remote.runner import Runner
from edgectl.remote.scope import Scope
from edgectl.remote.taskrun import Surroundings, perform

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
    paths = host_paths(dict(os.environ), os.geteuid())
    try:
        mine = _start_or_attach(job, digest, line, from_seq, paths)
        holder = (
            None
            if mine is None
            else hostlock.take(paths, {"run": job.run, "job": job.id, "by": job.started_by})
        )
        past = [] if mine is None else mine.messages()
    except (OSError, journal.Unwritable, ValueError) as error:
        line.send(encode_message(Refused(f"cannot write the journal: {error}; nothing was changed")))
        return
    if holder is not None:
        # Not an event of this job: it has not begun, and the next attach may find the host free.
        line.send(encode_message(Busy(_told(holder, paths))))
    elif mine is not None:
        _run(job, line, mine, past)


def _start_or_attach(
    job: Job, digest: str, line: Line, from_seq: int, paths: HostPaths
) -> Optional[journal.Journal]:
    """Return the journal of a job that is ours to run, new or to be continued; None where it is not."""
    folder = os.path.join(paths.runs, job.id)
    head = {"digest": digest, "host": job.host, "started_by": job.started_by, "boot_id": boot_id()}
    mine = journal.create(folder, head)
    line.send(_hello(resumed=mine is None))
    if mine is not None:
        return mine
    past = list(journal.lines(folder))
    if journal.digest(past) != digest:
        was = (
            "started here with another job"
            if journal.digest(past)
            else "started here, and its journal is damaged"
        )
        message = f"run {job.run} was {was}; start a new run"
        line.send(encode_message(Refused(message)))
        return None
    if journal.is_finished(journal.events(past)) or not journal.hold(folder):
        _follow(folder, line, from_seq)
        return None
    mine = journal.reopen(folder)
    for text, event in zip(mine.lines[1:], mine.messages()):
        if event.seq > from_seq:
            line.send(text)
    return mine


def _told(holder: Dict[str, Any], paths: HostPaths) -> Dict[str, Any]:
    """Add what the holder is doing now, and for how long it has held the host."""
    told = dict(holder)
    if "since" in holder:
        told["held_s"] = round(time.time() - float(holder["since"]), 1)
    with contextlib.suppress(OSError, ValueError):
        past = journal.events(list(journal.lines(os.path.join(paths.runs, str(holder.get("job"))))))
        told["task"] = next((event.name for event in reversed(past) if isinstance(event, TaskStarted)), "")
    return told


def _run(job: Job, line: Line, mine: Optional[journal.Journal], past: List[Message]) -> None:
    paths = host_paths(dict(os.environ), os.geteuid())
    blobs = {digest: zlib.decompress(binascii.a2b_base64(packed)) for digest, packed in job.blobs.items()}
    children = Children(lambda request: perform(request, paths, blobs))
    around = Surroundings(Scope(job), paths, blobs, login_identity(dict(os.environ)), children)
    runner = Runner(job, Emitter(line, mine, job.secrets), around, past, boot_id())
    try:
        runner.run()
    except HostIsGoingDown:
        pass
    except journal.Unwritable as error:
        # What is not written down must not go on. The next attach continues where the journal ends.
        line.send(encode_message(Ended("failed", runner.task, f"{error}; the job stopped here")))
    finally:
        children.close()


def _follow(folder: str, line: Line, from_seq: int) -> None:
    """Send the journal of a job that another process runs, or ran, from an event on, until its end."""
    doing, beaten = 0, time.monotonic()
    for text in journal.follow(folder):
        if line.broken:
            return
        if text is None:
            if journal.hold(folder):
                return  # its runner is gone without an end: the next attach will continue the job
            if time.monotonic() - beaten >= HEARTBEAT_S:  # its own heartbeats go down the line it started on
                line.send(encode_message(Heartbeat(doing, 0.0)))
                beaten = time.monotonic()
            time.sleep(_FOLLOW_INTERVAL_S)
            continue
        message = decode_message(text)
        if message.seq > from_seq:
            line.send(text)
        if isinstance(message, Ended):
            return
        doing = message.number if isinstance(message, TaskStarted) else doing


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
