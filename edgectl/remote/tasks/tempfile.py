"""Make an empty file or folder under a name that nobody has."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.result import TaskResult, changed, failed

REPEAT = "once"
STARTS_NOTHING = True


@dataclass(frozen=True)
class Args:
    """Nothing is needed; in check mode the task is skipped, for the name is not known before."""

    state: Literal["file", "directory"] = arg("file", doc="What to make.")
    path: str | None = arg(None, doc="The folder to make it in; the system's for such things where absent.")
    prefix: str = arg("ansible.", doc="How its name begins.")
    suffix: str = arg("", doc="How its name ends.")

    def __post_init__(self) -> None:
        """Refuse a name that leads elsewhere."""
        for name in ("prefix", "suffix"):
            if "/" in getattr(self, name):
                raise ValueError(f"'{name}' is part of a name, so it has no '/': use 'path' for the folder")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Return its `path`."""
    if context.check:
        return TaskResult(msg="would make it", values={"skipped": True})
    import tempfile

    folder = None if args.path is None else files.expanded(args.path)
    try:
        if args.state == "directory":
            path = tempfile.mkdtemp(args.suffix, args.prefix, folder)
        else:
            handle, path = tempfile.mkstemp(args.suffix, args.prefix, folder)
            os.close(handle)
    except OSError as error:
        return failed(f"cannot make it in {folder}: {error.strerror}")
    return changed(path=path)
