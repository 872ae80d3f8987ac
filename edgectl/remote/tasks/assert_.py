"""Fail unless all conditions hold."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, failed, ok

REPEAT = "reads"
PURE = True


@dataclass(frozen=True)
class Args:
    """Say what must hold.

    The runner evaluates: `run` sees each element of `that` as {"assertion": text, "evaluated_to": bool}.
    """

    that: list[Any] = arg(doc="Conditions, as in `when`.")
    fail_msg: Any = arg("Assertion failed", aliases=("msg",), doc="What to say when one does not hold.")
    success_msg: Any = arg("All assertions passed", doc="What to say when all hold.")
    quiet: bool = arg(False, doc="Say little.")


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Fail at the first condition that does not hold."""
    for verdict in args.that:
        if not verdict["evaluated_to"]:
            return failed(_text(args.fail_msg), evaluated_to=False, assertion=verdict["assertion"])
    return ok(_text(args.success_msg))


def _text(msg: Any) -> str:
    return "\n".join(map(str, msg)) if isinstance(msg, list) else str(msg)
