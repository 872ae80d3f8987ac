"""Answer, to show that the host can run modules."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
PURE = True


@dataclass(frozen=True)
class Args:
    """Nothing is needed."""

    data: str = arg("pong", doc='What to answer; "crash" fails, to try out what happens then.')


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Give back `data`."""
    return failed("boom: 'data' asked for it") if args.data == "crash" else ok(ping=args.data)
