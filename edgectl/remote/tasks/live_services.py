"""Say which model services clients reach at this host now; a drained one is not live, though its engine still runs.

`fronts` are those of them that a front stands before; `units` are the engines' units, reached by clients or not.
"""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Optional, Tuple
from edgectl.remote.result import TaskResult, failed, ok
from edgectl.remote.tasks._front import FOLDER, Front
from edgectl.remote.tasks._haproxy import SLOTS, Record
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
    engines = [unit for unit in units if not unit.endswith(_BESIDE)]
    behind = {
        unit: service
        for unit in engines
        for service in [_behind_a_front(unit, args.fronts, context)]
        if service
    }
    live = {service for service, record in behind.values() if record.serving}
    alone = [unit for unit in engines if unit not in behind]
    names = [f"{_PREFIX}{unit}{_SUFFIX}" for unit in engines]
    return ok(services=sorted([*live, *alone]), fronts=sorted(live), units=sorted(names))


def _behind_a_front(unit: str, fronts: str, context: TaskContext) -> Optional[Tuple[str, Record]]:
    """Return the service whose front a unit stands behind, and whom that sends clients to; None where there is none."""
    base, _, slot = unit.rpartition("-")
    if slot not in SLOTS:
        return None
    record = Front(base, context.proc, Systemctl(context.proc, []), fronts).record()
    return None if record is None else (base, record)
