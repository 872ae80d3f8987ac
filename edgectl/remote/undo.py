"""Take a change back unless somebody says in time that it is good: for what may cut the branch we sit on.

What undoes it is a shell script beside the journal, so that nothing of ours need be alive for it. A timer of its
own runs it, and so does a unit at the next boot. Script and confirmation settle who came first by one symbolic link,
which says in the same moment what was decided.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess

from edgectl.remote import durable, units
from edgectl.remote.detach import MARK
from edgectl.remote.lean import List, suppress

# Files come back at once; a service that is restarted has this long.
NOW_S = 90.0
PENDING, CONFIRMED, UNDONE = "pending", "confirmed", "undone"
_KEPT = "kept"
_SCRIPT = """\
#!/bin/sh
# Takes back what task {number} of job {job} changed, unless that was confirmed.
cd {folder} || exit 1
ln -s undone decided 2>/dev/null || exit 0
exec >>undo.log 2>&1
{restored}
{command}
: > undone
rm -f {unit}
sync
"""
_BOOT_UNIT = """\
[Unit]
Description=edgectl takes back an unconfirmed change of job {job}
After=local-fs.target
Before=network-pre.target

[Service]
Type=oneshot
ExecStart=/bin/sh {script}
"""


class Undo:
    """What takes one task's change back."""

    def __init__(self, job_folder: str, number: int) -> None:
        self._job = os.path.basename(job_folder)
        self._number = number
        self._folder = os.path.join(job_folder, f"undo-{number}")
        self._name = f"edgectl-undo-{self._job}-{number}"
        self._boot_unit = f"{self._name}-boot"
        self._timer: int = 0
        self._turn = 0

    def prepare(self, paths: List[str], command: str) -> None:
        """Keep these files as they are, and write what brings them back. Raises `OSError` where that cannot be."""
        os.makedirs(self._folder, 0o700, exist_ok=True)
        text = _SCRIPT.format(
            number=self._number,
            job=self._job,
            folder=shlex.quote(self._folder),
            restored="\n".join(self._kept(turn, path) for turn, path in enumerate(paths)),
            command=command,
            unit=" ".join(units.places(self._boot_unit)),
        )
        durable.write(self._script, text.encode())
        if units.can_ask():
            units.install(self._boot_unit, _BOOT_UNIT.format(job=self._job, script=self._script))
        os.sync()

    def arm(self, within_s: float) -> None:
        """Undo it in so many seconds, whatever becomes of us. A later call counts from anew. Raises `OSError`.

        The old timer goes when the new one is there: at no moment is there none.
        """
        before, self._turn = self._turn, self._turn + 1
        if units.can_ask():
            timer = ["systemd-run", "--quiet", "--collect", f"--unit={self._name}-{self._turn}"]
            timer += [
                f"--on-active={within_s:g}s",
                "--timer-property=AccuracySec=100ms",
                "/bin/sh",
                self._script,
            ]
            try:
                subprocess.run(timer, capture_output=True, text=True, check=True, timeout=30)
            except subprocess.SubprocessError as error:
                raise OSError(f"no timer could be set: {getattr(error, 'stderr', '') or error}") from None
            if before:
                _stop_timers(f"{self._name}-{before}.timer")
            return
        # A cancel of the job must not find it: what nobody confirmed is to be taken back then, too.
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        script = f"sleep {within_s:g}; exec /bin/sh {shlex.quote(self._script)}"
        nothing = subprocess.DEVNULL
        timer_before = self._timer
        self._timer = subprocess.Popen(
            ["/bin/sh", "-c", script],
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            env=environment,
            start_new_session=True,
        ).pid
        _end_session(timer_before)

    def keep(self) -> None:
        """Settle that there is nothing to undo."""
        self._decide(_KEPT)
        self._disarm()
        units.remove(self._boot_unit)

    def now(self) -> str:
        """Undo it at once; return in words how that went. What does not end is cut off: no host is held by it."""
        self._disarm()
        process = subprocess.Popen(
            ["/bin/sh", self._script], stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            process.wait(NOW_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"taking it back did not end within {NOW_S:g} s and was cut off: look at the host"
        return "the change was taken back"

    def confirm(self) -> None:
        """Settle that the change stays, because a fresh login came through. Too late where it is undone."""
        self._decide(CONFIRMED)

    def state(self) -> str:
        """Return whether it is decided, and how."""
        if os.path.exists(os.path.join(self._folder, UNDONE)):
            return UNDONE
        with suppress(OSError):
            if os.readlink(self._decision) == CONFIRMED:
                return CONFIRMED
        return PENDING

    def _decide(self, how: str) -> None:
        """Be the first to decide, or come too late; a power cut does not undo it."""
        with suppress(FileExistsError, FileNotFoundError):
            os.symlink(how, self._decision)
            durable.sync(self._folder)

    @property
    def _decision(self) -> str:
        return os.path.join(self._folder, "decided")

    @property
    def _script(self) -> str:
        return os.path.join(self._folder, "undo.sh")

    def _kept(self, turn: int, path: str) -> str:
        """Copy a file aside and return the line that brings it back."""
        there = shlex.quote(path)
        if os.path.isdir(path) and not os.path.islink(path):
            raise OSError(f"{path} is a folder: name the file that is to be taken back")
        if not os.path.lexists(path):
            return f"rm -f -- {there}"
        kept = os.path.join(self._folder, f"kept-{turn}")
        done = subprocess.run(["cp", "-a", "--", path, kept], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(done.stderr.strip())
        beside = shlex.quote(f"{path}.edgectl-undo")
        return f"cp -a -- kept-{turn} {beside} && mv -f -- {beside} {there}"

    def _disarm(self) -> None:
        if units.can_ask():
            _stop_timers(f"{self._name}-*.timer")
        else:
            _end_session(self._timer)
            self._timer = 0


def _stop_timers(pattern: str) -> None:
    with suppress(subprocess.TimeoutExpired):  # one that fires finds that it is decided
        subprocess.run(["systemctl", "stop", pattern], capture_output=True, check=False, timeout=30)


def _end_session(leader: int) -> None:
    if leader:
        with suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGTERM)
        os.waitpid(leader, 0)
