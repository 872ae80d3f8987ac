"""Run programs of our own on every GPU: that each computes, how fast its memory is, that it reaches the others."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.gpu import bounded
from edgectl.remote.lean import Any, Dict, Iterator, List
from edgectl.remote.result import TaskResult
from edgectl.remote.tasks._acceptance import figure_test, judged

REPEAT = "idempotent"
COMPUTES, MEMORY, PEERS = "CUDA on every GPU", "memory bandwidth", "GPU to GPU"
_HOST = {"to_gpu_gbs": "bandwidth to the GPU", "from_gpu_gbs": "bandwidth from the GPU"}


@dataclass(frozen=True)
class Args:
    """What the node's GPUs must be able to do."""

    count: int = arg(doc="How many GPUs are in the node.")
    memory_bandwidth_gbs: float | None = arg(
        None, doc="The least that each GPU's memory must do, in 10^9 B/s."
    )
    peers: bool = arg(False, doc="Whether every GPU must read every other's memory itself.")
    cohort: dict[str, Any] = arg(
        factory=dict, doc="By test: the median of nodes of this kind, and how many hosts that is of."
    )
    waived: list[str] = arg(factory=list, doc="Tests that somebody answers for if they are not passed.")
    deadline: float = arg(300.0, doc="Seconds after which GPUs that do not answer hang.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Measure and judge; `tests` are for a certificate. A check measures nothing."""
    if context.check:
        return TaskResult(values={"tests": []})
    try:
        gpus = bounded.call(lambda: _checked(args.count), args.deadline)
    except (TimeoutError, ChildProcessError) as error:
        said = str(error).partition("CudaError: ")
        bad = {"name": COMPUTES, "value": said[2] or said[0], "threshold": args.count, "source": "inventory"}
        return judged([{**bad, "passed": False}], args.waived)
    return judged(list(_tests(args, gpus)), args.waived)


def _checked(count: int) -> List[Dict[str, Any]]:
    from edgectl.remote.cuda.check import check

    return check(count)


def _tests(args: Args, gpus: List[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    yield {
        "name": COMPUTES,
        "value": len(gpus),
        "threshold": args.count,
        "source": "inventory",
        "passed": True,
    }
    memory = {gpu["uuid"]: gpu["memory_gbs"] for gpu in gpus}
    yield figure_test(MEMORY, memory, "GB/s", args.memory_bandwidth_gbs, args.cohort.get(MEMORY))
    for key, name in _HOST.items():
        figures = {gpu["uuid"]: gpu[key] for gpu in gpus}
        yield figure_test(name, figures, "GB/s", None, args.cohort.get(name))
    pairs, open_ = len(gpus) * (len(gpus) - 1), sum(len(gpu["peers"]) for gpu in gpus)
    wanted = pairs if args.peers else None
    said = f"{open_} of {pairs} pairs read each other's memory"
    yield {
        "name": PEERS,
        "value": said,
        "threshold": wanted,
        "source": "baseline",
        "passed": open_ >= (wanted or 0),
    }
