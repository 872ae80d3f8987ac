"""Fail, with a message."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, failed

REPEAT = "reads"
PURE = True


@dataclass(frozen=True)
class Args:
    """Nothing is needed."""

    msg: str = arg("Failed as requested from task", doc="Why.")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Fail, always."""
    return failed(args.msg)
