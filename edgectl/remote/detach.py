"""Leave the SSH session: the runner is a process of its own, which no end of a session takes along.

Where systemd runs, sessions are cgroups that logind may kill as a whole (`KillUserProcesses`), so root's runner
moves into a transient scope of its own. A scope lasts until its last process ends, so that what a task leaves
running on purpose stays. Elsewhere a new session must do: no hangup reaches it.
"""

from __future__ import annotations

import os
import sys
import time

from edgectl.remote.lean import SIGKILL, List, Optional, suppress

# What every process of a job carries in its environment, with the job's folder for a value, so that a cancel finds
# those that left its session.
MARK = "EDGECTL_JOB"
SYSTEMD = "/run/systemd/system"
# A bus that hangs must not keep a job from running.
_BUS_S = 5.0
_LAST_WORDS_BYTES = 2048


def go_apart(folder: str, leaving: Leaving) -> bool:
    """Fork. True in the runner; False in the process that stays with the session, when the runner has ended.

    Both keep the line: the runner writes to it, the other one only keeps the session open.
    """
    leaving.wait()
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
    os.environ[MARK] = folder
    return True


def _tell_last_words(path: str) -> None:
    with suppress(OSError), open(path, "rb") as stream:
        stream.seek(max(0, os.path.getsize(path) - _LAST_WORDS_BYTES))
        os.write(2, stream.read())


class Leaving:
    """Asks systemd for a scope around this process, and those it will fork.

    It is asked at once and waited for later: meanwhile there is a journal to begin. Where systemd says no, a new
    session has to do.
    """

    def __init__(self, job: str) -> None:
        self._unit = f"edgectl-{job}-{os.getpid()}.scope"
        self._asking: Optional[int] = None
        if os.geteuid() == 0 and os.path.isdir(SYSTEMD):
            try:
                call = self._call(job)
                self._asking = os.posix_spawnp(call[0], call, os.environ)
            except OSError as error:
                sys.stderr.write(f"cannot leave the session's scope: {error}\n")

    def wait(self) -> None:
        """Return when this process is in its scope: systemd answers before it acts."""
        give_up = time.monotonic() + _BUS_S
        if self._asking is None or not self._is_granted(self._asking, give_up):
            return
        while self._unit not in _own_cgroups() and time.monotonic() < give_up:
            time.sleep(0.001)

    @staticmethod
    def _is_granted(asking: int, give_up: float) -> bool:
        while True:
            ended, status = os.waitpid(asking, os.WNOHANG)
            if ended:
                return status == 0  # if not, it has said why
            if time.monotonic() > give_up:
                os.kill(asking, SIGKILL)
            time.sleep(0.001)

    def _call(self, job: str) -> List[str]:
        systemd = "org.freedesktop.systemd1"
        call = ["busctl", "--quiet", "call", systemd, "/org/freedesktop/systemd1", f"{systemd}.Manager"]
        call += ["StartTransientUnit", "ssa(sv)a(sa(sv))", self._unit, "fail"]
        call += ["3", "Description", "s", f"edgectl job {job}", "Slice", "s", "system.slice"]
        return [*call, "PIDs", "au", "1", str(os.getpid()), "0"]


def _own_cgroups() -> str:
    with open("/proc/self/cgroup") as stream:
        return stream.read()
