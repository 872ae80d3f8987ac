"""Say which model services clients reach at this host now; a drained one is not live, though its engine still runs."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Optional
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks._front import FOLDER, Front
from edgectl.remote.tasks._haproxy import SLOTS
from edgectl.remote.tasks._systemctl import Systemctl

REPEAT = "reads"
# A job's own unit begins with the digits of its run.
_PATTERN = "edgectl-[a-z]*.service"
_PREFIX, _SUFFIX = "edgectl-", ".service"
# What stands beside an engine and serves nobody by itself.
_BESIDE = ("-front", "-watch")


@dataclass(frozen=True)
class Args:
    """Where to look."""

    fronts: str = arg(FOLDER, doc="The folder of the fronts' configurations.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Ask systemd what runs, and each service's front whether anybody is sent there."""
    words = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active", _PATTERN]
    done = context.proc.run(words)
    if done.rc != 0:
        return failed(f"systemctl does not say what runs: {(done.stderr or done.stdout).strip()}")
    units = [
        line.split()[0][len(_PREFIX) : -len(_SUFFIX)] for line in done.stdout.splitlines() if line.strip()
    ]
    live = {_service(unit, args.fronts, context) for unit in units if not unit.endswith(_BESIDE)}
    return ok(services=sorted(service for service in live if service is not None))


def _service(unit: str, fronts: str, context: TaskContext) -> Optional[str]:
    """Return the service that a unit serves, None where its front sends nobody there."""
    base, _, slot = unit.rpartition("-")
    if slot in SLOTS:
        record = Front(base, context.proc, Systemctl(context.proc, []), fronts).record()
        if record is not None:
            return base if record.serving else None
    return unit
