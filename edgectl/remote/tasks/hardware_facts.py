"""Read what is in the node, before any driver is there: GPUs, NVSwitches, DPUs, disks by id, Secure Boot."""

from __future__ import annotations

from edgectl.remote import hardware
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"


@dataclass(frozen=True)
class Args:
    """Where to look."""

    root: str = arg("", doc="A folder that stands for /.")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Return `gpus`, `profile`, `dpus`, `disks` and the rest as this task's own values."""
    return ok(**hardware.read(args.root))
