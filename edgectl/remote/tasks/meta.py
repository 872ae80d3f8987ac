"""Leave the play, or do nothing: what `meta` says beside `flush_handlers`."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.result import TaskResult

REPEAT = "reads"
PURE = True
FREE_FORM = "action"


@dataclass(frozen=True)
class Args:
    """What is meant."""

    action: Literal["end_host", "noop"] = arg(
        doc="`end_host`: this host does no more of this play. `noop`: nothing."
    )


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Say so to the runner."""
    leaves = args.action == "end_host"
    return TaskResult(values={"leaves_play": True} if leaves else {})
