"""Say which services this host has: what is in force, what was before, what serves now. Changes nothing."""

from __future__ import annotations

import os

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, ok
from edgectl.remote.tasks._front import Front
from edgectl.remote.tasks._releases import Releases
from edgectl.remote.tasks._systemctl import Systemctl

REPEAT = "reads"
SHARES = True


@dataclass(frozen=True)
class Args:
    """Name a service, or none for all of them."""

    service: str = arg("", doc="The service's name.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Read it from the disk, which is what a repeat of a deployment goes by too."""
    home = os.path.join(context.paths.state, "releases")
    names = [args.service] if args.service else sorted(os.listdir(home)) if os.path.isdir(home) else []
    return ok(
        services={name: _one(name, context) for name in names if os.path.isdir(os.path.join(home, name))}
    )


def _one(name: str, context: TaskContext) -> dict[str, Any]:
    releases = Releases(context.paths, name)
    record = Front(name, context.proc, Systemctl(context.proc, [])).record()
    return {
        "release": releases.current(),
        "previous": releases.previous(),
        "left": releases.left(),
        "since": releases.since(),
        "gpus": releases.gpus(releases.current()),
        "front": record is not None,
        "drained": releases.is_drained(),
        "serving": record is None or record.serving != "",
    }
