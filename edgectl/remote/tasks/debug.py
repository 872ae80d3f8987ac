"""Show a message or a variable."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"
PURE = True


@dataclass(frozen=True)
class Args:
    """Give `msg` or `var`."""

    msg: Any = arg("Hello world!", doc="What to show.")
    var: str | None = arg(None, doc="The variable or expression to show.")
    verbosity: int = arg(0, doc="Show it only from this many -v on.")
    value: Any = arg(None, doc="What `var` evaluates to.", internal=True)
    run_verbosity: int = arg(0, doc="How many -v this run has.", internal=True)

    def __post_init__(self) -> None:
        """Refuse both."""
        if self.var is not None and self.msg != "Hello world!":
            raise ValueError("give 'msg' or 'var', not both")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Give back the message as `msg`, or the value under the variable's own name."""
    if args.verbosity > args.run_verbosity:
        return ok(skipped=True, skipped_reason="Verbosity threshold not met.")
    if args.var is not None:
        return ok(**{args.var: args.value})
    return TaskResult(values={"msg": args.msg})
