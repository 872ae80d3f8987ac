"""Wait for a while."""

from __future__ import annotations

import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, ok

REPEAT = "reads"
STARTS_NOTHING = True
_MINUTE_S = 60


@dataclass(frozen=True)
class Args:
    """Give seconds or minutes: each host waits for itself, also in check mode."""

    seconds: float | None = arg(None, doc="How many seconds.")
    minutes: float | None = arg(None, doc="How many minutes.")
    prompt: str | None = arg(None, doc="Accepted for Ansible's sake; there is nobody to read it.")
    echo: bool = arg(True, doc="Accepted for Ansible's sake.")

    def __post_init__(self) -> None:
        """Refuse to wait for a person."""
        if self.seconds is not None and self.minutes is not None:
            raise ValueError("give 'seconds' or 'minutes', not both")
        if self.seconds is None and self.minutes is None:
            raise ValueError(
                "give 'seconds' or 'minutes': nobody is there to be asked; pass an answer with -e"
            )


def run(args: Args, _context: TaskContext) -> TaskResult:
    """Wait, and say from when to when; less than nothing is nothing."""
    seconds = args.seconds if args.seconds is not None else (args.minutes or 0) * _MINUTE_S
    begun = time.time()
    time.sleep(max(seconds, 0))
    ended = time.time()
    amount, unit = (args.seconds, "seconds") if args.seconds is not None else (args.minutes, "minutes")
    return ok(
        start=_moment(begun),
        stop=_moment(ended),
        delta=int(ended - begun),
        stdout=f"Paused for {amount or 0:g} {unit}",
        echo=args.echo,
        user_input="",
    )


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f"{at % 1:.6f}"[1:]
