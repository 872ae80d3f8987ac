"""systemctl and journalctl, as systemd_service uses them."""

from __future__ import annotations

import os
import time

from edgectl.remote.proc import Proc
from edgectl.remote.tasks._units import Unit, is_settled

# The properties that go into the result; all two hundred of them would be most of a report.
_SHOWN = [
    "ActiveEnterTimestamp",
    "ActiveState",
    "ConditionResult",
    "Description",
    "ExecMainStartTimestamp",
    "ExecMainStatus",
    "FragmentPath",
    "Id",
    "LoadError",
    "LoadState",
    "MainPID",
    "NRestarts",
    "Result",
    "SubState",
    "Type",
    "UnitFileState",
]
# A unit that is up this long after its start did not fall over at once.
_WATCH_S = 0.5
_SETTLE_S = 10.0
_JOURNAL_LINES = 10


class Systemctl:
    """One manager's systemctl: the system's, or a user's by `options`."""

    def __init__(self, proc: Proc, options: list[str]) -> None:
        self._proc = proc
        self._options = options
        runtime = f"/run/user/{os.geteuid()}"
        self._environment = {} if "XDG_RUNTIME_DIR" in os.environ else {"XDG_RUNTIME_DIR": runtime}
        self._environment["LC_ALL"] = "C"

    def do(self, verb: str, name: str | None = None) -> str:
        """Carry out one verb and return what went wrong, or an empty text."""
        words = ["systemctl", *self._options, verb] + ([] if name is None else [name])
        done = self._proc.run(words, environment=self._environment)
        if done.rc == 0:
            return ""
        what = verb if name is None else f"{verb} service {name}"
        return f"Unable to {what}: {(done.stderr or done.stdout).strip()}"

    def read(self, name: str, *, wants_enabled: bool) -> Unit:
        """Return how a unit is now; `problem` says why systemd cannot load it, or cannot be asked."""
        done = self._proc.run(["systemctl", *self._scope(), "show", name], environment=self._environment)
        if done.rc != 0 and "=" not in done.stdout:
            return Unit({}, problem=f"systemctl does not answer: {(done.stderr or done.stdout).strip()}")
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        status = {key: value for key, _, value in pairs if key in _SHOWN and value}
        problem = ""
        if "LoadError" in status and status.get("LoadState") not in ("masked", "not-found"):
            problem = f"the unit file of {name} cannot be loaded: {status['LoadError']}"
        return Unit(status, self._boot(name) if wants_enabled else "", problem)

    def _scope(self) -> list[str]:
        return [option for option in self._options if option in ("--user", "--global")]

    def _boot(self, name: str) -> str:
        done = self._proc.run(
            ["systemctl", *self._scope(), "is-enabled", name], environment=self._environment
        )
        return (done.stdout.split() or [""])[-1]

    def settled(self, name: str, *, wants_enabled: bool) -> Unit:
        """Read a unit that was started until it stays up for a moment, or is down."""
        until = time.monotonic() + _SETTLE_S
        time.sleep(_WATCH_S)
        unit = self.read(name, wants_enabled=wants_enabled)
        while not is_settled(unit) and time.monotonic() < until:
            time.sleep(_WATCH_S)
            unit = self.read(name, wants_enabled=wants_enabled)
        return unit

    def last_words(self, name: str) -> str:
        """Return the last lines of a unit's journal, ready to be put behind a message."""
        said = self.journal(name, _JOURNAL_LINES)
        return f"\nlast lines of its journal:\n{said}" if said else ""

    def journal(self, name: str, lines: int) -> str:
        """Return so many of a unit's last lines."""
        words = ["journalctl", *self._scope(), "-u", name, "-n", str(lines), "--no-pager", "-o", "cat"]
        done = self._proc.run(words, environment=self._environment)
        return done.stdout.strip() if done.rc == 0 else ""
