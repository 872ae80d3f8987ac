"""How a unit is: systemd's states, how its last process ended, what it does about that."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from enum import StrEnum

from edgectl.lab.pid1.unitfile import UnitFile

_START_LIMIT, _START_LIMIT_S = 5, 10.0
_EXITED, _KILLED = 1, 2  # CLD_EXITED, CLD_KILLED
_CLEAN_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)
_RESTART_ON = {
    "always": {"success", "exit-code", "signal", "timeout"},
    "on-success": {"success"},
    "on-failure": {"exit-code", "signal", "timeout"},
    "on-abnormal": {"signal", "timeout"},
    "on-abort": {"signal"},
}


class State(StrEnum):
    """systemd's ActiveState."""

    INACTIVE = "inactive"
    ACTIVATING = "activating"
    ACTIVE = "active"
    DEACTIVATING = "deactivating"
    FAILED = "failed"


@dataclass(slots=True)
class Status:
    """What `systemctl show` reports of a run."""

    state: State = State.INACTIVE
    sub_state: str = "dead"
    main: int = 0
    exit_code: int = 0
    exit_kind: int = 0
    result: str = "success"
    restarts: int = 0
    since: float = 0.0
    starts: list[float] = field(default_factory=list)

    def enter(self, state: State, sub_state: str) -> None:
        """Be in a state from now on."""
        self.state, self.sub_state, self.since = state, sub_state, time.time()

    def may_start(self, unit: UnitFile) -> bool:
        """Count a start; return False for one too many within the unit's interval."""
        now = time.monotonic()
        interval_s = unit.seconds("Unit", "StartLimitIntervalSec", _START_LIMIT_S)
        self.starts = [moment for moment in self.starts if now - moment < interval_s]
        if len(self.starts) >= int(unit.last("Unit", "StartLimitBurst", str(_START_LIMIT))):
            return False
        self.starts.append(now)
        return True

    def remember_end(self, wait_status: int, unit: UnitFile) -> str:
        """Keep how a process of the unit ended; return systemd's Result."""
        if os.WIFSIGNALED(wait_status):
            self.exit_kind, self.exit_code = _KILLED, os.WTERMSIG(wait_status)
            return "success" if self.exit_code in _CLEAN_SIGNALS else "signal"
        self.exit_kind, self.exit_code = _EXITED, os.waitstatus_to_exitcode(wait_status)
        allowed = {"0", *unit.names("Service", "SuccessExitStatus")}
        return "success" if str(self.exit_code) in allowed else "exit-code"


def wants_restart(unit: UnitFile, result: str) -> bool:
    """Tell whether `Restart=` asks for another start after this result."""
    return result in _RESTART_ON.get(unit.last("Service", "Restart", "no"), set())
