"""Bring a model service back to the release that was in force before, as carefully as it was put there."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks._front import Front
from edgectl.remote.tasks._releases import STAYS_DRAINED, Releases
from edgectl.remote.tasks._systemctl import Systemctl
from edgectl.remote.tasks.service_swap import Args as SwapArgs
from edgectl.remote.tasks.service_swap import Swap

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the service; which release that is, the host knows."""

    service: str = arg(doc="The service's name.")
    leave: str = arg(
        "", doc="Go back only from this release; a host with another one in force is left alone."
    )
    swap: Literal["auto", "side-by-side", "replace"] = arg("auto", doc="How; auto is as the host came here.")
    drain: float = arg(120.0, doc="Seconds that streams in flight may take to end; then they are cut.")
    neighbours: list[str] = arg(factory=list, doc="ADDRESS:PORT of hosts that serve while this one cannot.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Swap back, unless that was done."""
    releases = Releases(context.paths, args.service)
    current, previous, left = releases.current(), releases.previous(), releases.left()
    known: dict[str, Any] = {"release": current, "since": releases.since(), "left": left}
    if releases.is_drained():
        return ok(STAYS_DRAINED, **known, drained_out=True)
    if args.leave and current != args.leave:
        return ok(f"{current or 'nothing'} is in force, not {args.leave}", **known)
    if previous is None and left is not None:
        return ok(f"{current} is in force since it was rolled back from {left}", **known)
    if previous is None:
        return failed(
            f"there is no release of {args.service} to go back to from {current or 'nothing'}", **known
        )
    if context.check:
        return changed(f"would go back from {current} to {previous}", **known)
    return _go_back(args, context, releases, previous)


def _go_back(args: Args, context: TaskContext, releases: Releases, previous: str) -> TaskResult:
    described = releases.described(previous)
    record = Front(args.service, context.proc, Systemctl(context.proc, [])).record()
    if record is None or "prompts" not in described:
        return failed(f"{previous} was not put into force behind a proxy: deploy it again")
    came = releases.described(releases.current() or "").get("swap", "side-by-side")
    wanted: dict[str, Any] = {
        **described,
        "listen": record.listen,
        "ports": record.ports,
        "paths": record.paths,
        "neighbours": args.neighbours or record.neighbours,
        "swap": came if args.swap == "auto" else args.swap,
        "drain": args.drain,
    }
    swap = Swap(SwapArgs(**wanted), context)
    problem = "" if swap.is_in_force() else swap.missing() or swap.carry_out()
    if problem:
        return swap.failed(previous, problem)
    releases.go_back()
    return changed(release=previous, left=swap.before, gpus=releases.gpus(previous), **swap.figures)
