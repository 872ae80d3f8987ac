"""Wait until every GPU has joined the NVLink fabric: before that, nvidia-smi is fine and CUDA fails with 802."""

from __future__ import annotations

import re
import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import List, Tuple
from edgectl.remote.result import TaskResult, failed

REPEAT = "reads"
# The field `fabric.state` of --query-gpu is not right on every branch; the section of `-q` is.
_FABRIC = re.compile(r"^\s+Fabric\n\s+State\s+: (.*)\n\s+Status\s+: (.*)$", re.MULTILINE)
_JOINED = ("Completed", "Success")
_LOOK_S = 2.0
_DEADLINE_S = 60.0


@dataclass(frozen=True)
class Args:
    """How many GPUs, and how long training may take."""

    gpus: int = arg(doc="How many GPUs must have joined.")
    within: float = arg(300.0, doc="Seconds until the fabric must have trained.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Return the `states` once all are joined; a state that is no longer in progress is final."""
    until = time.monotonic() + args.within
    states = _states(context)
    while _may_change(states, args.gpus) and time.monotonic() < until and not context.check:
        time.sleep(min(_LOOK_S, max(until - time.monotonic(), 0)))
        states = _states(context)
    values = {"states": [f"{state}, {status}" for state, status in states]}
    if len(states) != args.gpus:
        return failed(f"{len(states)} GPUs tell of a fabric, {args.gpus} should", **values)
    apart = [
        f"GPU {index}: {state}, {status}"
        for index, (state, status) in enumerate(states)
        if (state, status) != _JOINED
    ]
    if apart:
        return failed(f"not in the fabric: {'; '.join(apart)}: see the fabric manager's journal", **values)
    return TaskResult(values=values)


def _states(context: TaskContext) -> List[Tuple[str, str]]:
    done = context.proc.run(["nvidia-smi", "-q"], timeout_s=_DEADLINE_S)
    return [(state.strip(), status.strip()) for state, status in _FABRIC.findall(done.stdout)]


def _may_change(states: List[Tuple[str, str]], gpus: int) -> bool:
    waiting = [state for state, _ in states if state in ("In Progress", "Not Started")]
    return bool(waiting) or len(states) < gpus
