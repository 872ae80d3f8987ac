"""Stop a job with every process that it started, and write its end into its journal for good."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from edgectl.remote import journal
from edgectl.remote.context import HostPaths
from edgectl.remote.detach import MARK
from edgectl.remote.emit import Emitter, Line
from edgectl.remote.errands import Request
from edgectl.remote.identity import boot_id
from edgectl.remote.lean import Iterator, Optional, Set
from edgectl.remote.protocol import Ended, TaskEnded, TaskStarted

_GRACE_S = 5.0
_DEATH_S = 5.0


def cancel(request: Request, paths: HostPaths) -> None:
    """End the job. One that this host does not know is written down as cancelled, so that it never starts."""
    folder = journal.folder_of(paths, request.job)
    head = {"digest": "", "cancelled": True, "started_by": request.by, "boot_id": boot_id()}
    mine = journal.create(folder, head) or _taken_from_its_runner(folder)
    if mine is None or journal.is_finished(mine.messages()):
        return
    task, begun = "", False
    for message in mine.messages():
        if isinstance(message, (TaskStarted, TaskEnded)):
            task, begun = message.name, isinstance(message, TaskStarted)
    half = "; it may be half done" if begun else ""
    nothing = Line(os.open(os.devnull, os.O_WRONLY), "")
    ended = Ended("failed", task or None, f"cancelled by {request.by}{half}")
    Emitter(nothing, mine, {}).emit(ended, durable=True)


def _taken_from_its_runner(folder: str) -> Optional[journal.Journal]:
    """Kill whoever runs the job and return its journal; None where even that did not free it."""
    live = journal.hold(folder)
    if live is None:
        _kill_all(journal.runner_of(folder), folder)
        give_up = time.monotonic() + _DEATH_S
        while live is None and time.monotonic() < give_up:
            time.sleep(0.05)
            live = journal.hold(folder)
    return None if live is None else journal.reopen(folder, live)


def _kill_all(runner: Optional[int], folder: str) -> None:
    """Kill the runner, so that it begins nothing more; ask the rest to end, and kill what has not."""
    if runner is not None:
        _signal(runner, signal.SIGKILL)
    for pid in _processes_of(runner, folder):
        _signal(pid, signal.SIGTERM)
    give_up = time.monotonic() + _GRACE_S
    while (left := _processes_of(runner, folder)) and time.monotonic() < give_up:
        time.sleep(0.05)
    while left:
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.02)  # what they started in the meantime comes with the next look
        left = _processes_of(runner, folder) if time.monotonic() < give_up + _DEATH_S else set()


def _processes_of(runner: Optional[int], folder: str) -> Set[int]:
    """Return the living processes of a job: of its session, or with its mark in their environment."""
    mark = f"{MARK}={folder}".encode()
    return {pid for pid in _all_processes() if pid != os.getpid() and _is_of(pid, runner, mark)}


def _is_of(pid: int, runner: Optional[int], mark: bytes) -> bool:
    with contextlib.suppress(OSError, IndexError, ValueError):
        with open(f"/proc/{pid}/stat", "rb") as stream:
            # Behind the name, which may hold anything: state, parent, group, session.
            state, _, _, session = stream.read().rpartition(b")")[2].split()[:4]
        if state == b"Z":
            return False
        if runner is not None and int(session) == runner:
            return True
        with open(f"/proc/{pid}/environ", "rb") as stream:
            return mark in stream.read().split(b"\0")
    return False


def _all_processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
