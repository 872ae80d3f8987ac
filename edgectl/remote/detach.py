"""Leave the SSH session: the runner is a process of its own, which no end of a session takes along.

Where systemd runs, sessions are cgroups that logind may kill as a whole (`KillUserProcesses`), so root's runner
moves into a transient scope of its own. A scope lasts until its last process ends, so that what a task leaves
running on purpose stays. Elsewhere a new session must do: no hangup reaches it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

# What every process of a job carries in its environment, so that a cancel finds those that left its group.
MARK = "EDGECTL_JOB"
SYSTEMD = "/run/systemd/system"
# A bus that hangs must not keep a job from running.
_BUS_S = 5.0
_LAST_WORDS_BYTES = 2048


def go_apart(job: str, folder: str) -> bool:
    """Fork. True in the runner; False in the process that stays with the session, when the runner has ended.

    Both keep the line: the runner writes to it, the other one only keeps the session open.
    """
    log = os.open(os.path.join(folder, "runner.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    runner = os.fork()
    if runner:
        _, status = os.waitpid(runner, 0)
        if status:
            _tell_last_words(os.path.join(folder, "runner.log"))
        return False
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ[MARK] = job
    _leave_session_scope(job)
    return True


def _tell_last_words(path: str) -> None:
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        stream.seek(max(0, os.path.getsize(path) - _LAST_WORDS_BYTES))
        os.write(2, stream.read())


def _leave_session_scope(job: str) -> None:
    """Ask systemd for a scope around this process. Where it says no, the new session has to do."""
    if os.geteuid() != 0 or not os.path.isdir(SYSTEMD):
        return
    systemd = "org.freedesktop.systemd1"
    call = ["busctl", "--quiet", "call", systemd, "/org/freedesktop/systemd1", f"{systemd}.Manager"]
    call += ["StartTransientUnit", "ssa(sv)a(sa(sv))"]
    unit = [f"edgectl-{job}-{os.getpid()}.scope", "fail"]
    properties = ["3", "Description", "s", f"edgectl job {job}", "Slice", "s", "system.slice"]
    properties += ["PIDs", "au", "1", str(os.getpid())]
    try:
        asking = os.posix_spawnp(call[0], [*call, *unit, *properties, "0"], os.environ)
    except OSError as error:
        sys.stderr.write(f"cannot leave the session's scope: {error}\n")
        return
    give_up = time.monotonic() + _BUS_S
    while not os.waitpid(asking, os.WNOHANG)[0]:
        if time.monotonic() > give_up:
            os.kill(asking, 9)
            os.waitpid(asking, 0)
            sys.stderr.write(f"systemd did not answer within {_BUS_S:g} s\n")
            return
        time.sleep(0.002)
