"""Take a host out of service or back into it, without losing a request: its neighbours carry its load meanwhile."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Dict, Literal
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks import _flows
from edgectl.remote.tasks._front import Front
from edgectl.remote.tasks._haproxy import Record
from edgectl.remote.tasks._releases import Releases
from edgectl.remote.tasks._slots import Slots
from edgectl.remote.tasks._systemctl import Systemctl

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the service, and whether this host is to serve it."""

    service: str = arg(doc="The service's name.")
    state: Literal["drained", "serving"] = arg(doc="What is wanted.")
    drain: float = arg(120.0, doc="Seconds that streams in flight may take to end.")
    alone: bool = arg(False, doc="Drain it also where no neighbour is up that could carry its load.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Tell the proxy who serves; the engine goes on."""
    systemctl = Systemctl(context.proc, [])
    front, releases = Front(args.service, context.proc, systemctl), Releases(context.paths, args.service)
    record, current = front.record(), releases.current()
    if record is None or current is None:
        return failed(f"{args.service} has no front here that could be drained")
    slots = Slots(args.service, releases, systemctl, record)
    wanted = slots.of(current) if args.state == "serving" else ""
    if args.state == "serving" and not wanted:
        return failed(f"{current} is in no slot: deploy it again")
    known: dict[str, Any] = {"release": current, "gpus": releases.gpus(current)}
    if record.serving == wanted and releases.is_drained() == (args.state == "drained"):
        return ok(**known)
    if context.check:
        return changed(f"would be {args.state}", **known)
    if args.state == "serving":
        problem, proof = slots.prove(wanted, current)
        problem = problem or front.put(record._replace(serving=wanted))
        if problem:
            return failed(problem, **proof)
        releases.take_back()
        return changed(f"serves {current} again", **known, **proof)
    return _stop_serving(args, front, releases, record, known)


def _stop_serving(
    args: Args, front: Front, releases: Releases, record: Record, known: Dict[str, Any]
) -> TaskResult:
    problem = front.await_neighbour() if record.serving and not args.alone else ""
    if problem:
        return failed(problem, release=known["release"])
    releases.keep_drained()
    if not record.serving:
        return changed("served nobody, and stays drained", **known)
    problem = front.put(record._replace(serving=""))
    if problem:
        return failed(problem, release=known["release"])
    drained: dict[str, Any] = _flows.drain(record.port(record.serving), args.drain)._asdict()
    said = f"drained, {drained['streams']} streams ended, {drained['cut']} go on"
    return changed(said, drained=drained, **known)
