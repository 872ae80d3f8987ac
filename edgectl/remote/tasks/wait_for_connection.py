"""Wait until the host can be reached: where a task runs, it is."""

from __future__ import annotations

import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"
STARTS_NOTHING = True


@dataclass(frozen=True)
class Args:
    """The task runs at the host, so that only delay takes time; after a reboot the run comes back by itself."""

    delay: int = arg(0, doc="Seconds to wait first.")
    timeout: int = arg(600, doc="Accepted for Ansible's sake; the run has deadlines of its own.")
    connect_timeout: int = arg(5, doc="Accepted for Ansible's sake.")
    sleep: int = arg(1, doc="Accepted for Ansible's sake.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Wait for `delay`, and return the seconds it took; in check mode the task is skipped, as with Ansible."""
    if context.check:
        return TaskResult(msg="would wait", values={"skipped": True})
    begun = time.monotonic()
    time.sleep(max(args.delay, 0))
    return ok(elapsed=int(time.monotonic() - begun))
