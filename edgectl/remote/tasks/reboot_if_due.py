"""Reboot where something waits for it, and only then."""

from __future__ import annotations

import os

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult
from edgectl.remote.tasks import reboot

REPEAT = "once"
ENDS_BOOT = True
_REQUIRED = "/run/reboot-required"


@dataclass(frozen=True)
class Args(reboot.Args):
    """What `reboot` takes, and reasons of the playbook's own."""

    because: dict[str, Any] = arg(factory=dict, doc="Reasons, each with whether it holds.")

    def reasons(self) -> list[str]:
        """Return the reasons that hold, the host's own first."""
        return [*_asked_by_packages(), *(reason for reason, holds in self.because.items() if _is_true(holds))]


def run(args: Args, context: TaskContext) -> TaskResult:
    """Say why, and reboot as `reboot` does; without a reason there is nothing to do."""
    reasons = args.reasons()
    if not reasons:
        return TaskResult(values={"reasons": []})
    done = reboot.run(args, context)
    return TaskResult(done.changed, done.failed, done.msg, {**done.values, "reasons": reasons}, done.diff)


def _asked_by_packages() -> list[str]:
    """Return what packages asked for a reboot, as update-notifier's hook writes it down."""
    if not os.path.exists(_REQUIRED):
        return []
    try:
        with open(f"{_REQUIRED}.pkgs", encoding="utf-8") as stream:
            names = sorted(set(stream.read().split()))
    except OSError:
        names = []
    return [f"packages: {', '.join(names)}" if names else "packages"]


def _is_true(holds: Any) -> bool:
    return holds if isinstance(holds, bool) else str(holds).strip().lower() in ("true", "yes", "1", "on")
