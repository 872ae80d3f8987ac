"""Run a command line through a shell."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult
from edgectl.remote.tasks.command import ProgramArgs, run_program

REPEAT = "once"
FREE_FORM = "cmd"


@dataclass(frozen=True)
class Args(ProgramArgs):
    """Give `cmd`."""

    executable: str | None = arg(None, doc="The shell to use, as a full path; /bin/sh where absent.")

    def __post_init__(self) -> None:
        """Refuse a task without a command."""
        if self.cmd is None:
            raise ValueError("give 'cmd', the command line")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Run it; a result other than 0 is a failure."""
    return run_program(args.cmd or "", args, context, args.executable)
