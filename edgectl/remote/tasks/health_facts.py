"""Read everything the node knows about its health: GPUs, DPUs, ports, itself, its kernel log. Nothing is changed."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.gpu.collect import DEADLINE_S
from edgectl.remote.health.collect import collect
from edgectl.remote.health.units import serving
from edgectl.remote.lean import List
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"
# Travels beside the runner, for hosts that have NVIDIA's library; the others do not import it.
NEEDS = ("pynvml",)


@dataclass(frozen=True)
class Args:
    """How long the driver may take, and which services matter."""

    deadline: float = arg(DEADLINE_S, doc="Seconds after which a driver that does not answer is given up.")
    units: List[str] = arg(
        factory=list, doc="systemd units to ask about, such as the one that serves the model."
    )


def run(args: Args, context: TaskContext) -> TaskResult:
    """Return `gpus`, `xids`, `events`, `machine`, `dpus`, `ports` and the rest as this task's own values."""
    paths = context.paths
    units = args.units or serving(sorted({paths.machine, paths.state}))
    return ok(**collect(args.deadline, units, (paths.run, paths.state)))
