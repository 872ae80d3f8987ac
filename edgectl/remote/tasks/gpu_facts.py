"""Read everything the node knows about its GPUs; nothing is changed."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.gpu.collect import DEADLINE_S, collect
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"
# Travels beside the runner, for hosts that have NVIDIA's library; the others do not import it.
NEEDS = ("pynvml",)


@dataclass(frozen=True)
class Args:
    """How long a driver may take."""

    deadline: float = arg(DEADLINE_S, doc="Seconds after which a collector that does not answer is given up.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Return `gpus`, `xids`, `driver_version` and the rest as this task's own values."""
    return ok(**collect(args.deadline, (context.paths.run, context.paths.state)))
