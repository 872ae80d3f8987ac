"""Tell what a job's journal says, from an event on: of one that is over, or that another process runs."""

from __future__ import annotations

import os
import time

from edgectl.remote import journal
from edgectl.remote.context import HostPaths
from edgectl.remote.emit import Line
from edgectl.remote.errands import Request
from edgectl.remote.lean import Optional
from edgectl.remote.protocol import (
    HEARTBEAT_S,
    Abandoned,
    Absent,
    Ended,
    Heartbeat,
    TaskStarted,
    decode_message,
    encode_message,
)

_INTERVAL_S = 0.2


def to_its_end(request: Request, line: Line, paths: HostPaths) -> None:
    """Tell of a job that somebody asks for by its name, and where it is if it has no end."""
    folder = journal.folder_of(paths, request.job)
    if not os.path.isdir(folder):
        line.send(encode_message(Absent()))
        return
    task = until_end(folder, line, request.after)
    if task is not None:
        line.send(encode_message(Abandoned(task)))


def until_end(folder: str, line: Line, after: int) -> Optional[str]:
    """Send what comes after number `after`; return the last task of a job whose runner is gone without an end."""
    task, number, beaten = "", 0, time.monotonic()
    for text in journal.follow(folder):
        if line.broken:
            return None
        if text is None:
            live = journal.hold(folder)
            if live is not None:
                os.close(live)
                return task
            if time.monotonic() - beaten >= HEARTBEAT_S:  # its own heartbeats go down the line it started on
                line.send(encode_message(Heartbeat(number, 0.0)))
                beaten = time.monotonic()
            time.sleep(_INTERVAL_S)
            continue
        message = decode_message(text)
        if message.seq > after:
            line.send(text)
        if isinstance(message, Ended):
            return None
        if isinstance(message, TaskStarted):
            task, number = message.name, message.number
    return None
