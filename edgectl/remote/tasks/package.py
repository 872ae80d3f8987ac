"""Install or remove packages by the host's own package manager."""

from __future__ import annotations

import shutil

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the packages; more than that wants apt or dnf."""

    name: list[str] = arg(doc="The packages.")
    state: Literal["absent", "latest", "present"] = arg(doc="What should be so.")
    use: Literal["apt", "auto", "dnf"] = arg(
        "auto", doc="By which package manager; auto takes the one that is there."
    )


def run(args: Args, context: TaskContext) -> TaskResult:
    """Hand it on to apt or dnf."""
    which: str = args.use
    if which == "auto":
        which = next(
            (name for name, word in (("apt", "apt-get"), ("dnf", "dnf")) if shutil.which(word)), "auto"
        )
    if which == "auto":
        return failed("there is neither apt-get nor dnf at this host")
    if which == "apt":
        from edgectl.remote.tasks import apt

        return apt.run(apt.Args(package=args.name, state=args.state), context)
    from edgectl.remote.tasks import dnf

    return dnf.run(dnf.Args(name=args.name, state=args.state), context)
