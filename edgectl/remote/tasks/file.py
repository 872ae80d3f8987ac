"""Make a file, a folder or a link, take one away, or set its mode and owner."""

from __future__ import annotations

import os

from edgectl.remote import files, ownership
from edgectl.remote.args import Mode, arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _file_states
from edgectl.remote.tasks._file_states import Wish

REPEAT = "idempotent"
TOUCHES = "path"
STARTS_NOTHING = True
_STATES = {
    "absent": _file_states.absent,
    "directory": _file_states.directory,
    "file": _file_states.file,
    "hard": _file_states.link,
    "link": _file_states.link,
    "touch": _file_states.touch,
}


@dataclass(frozen=True)
class Args:
    """Name the path and the state it should be in."""

    path: str = arg(aliases=("dest", "name"), doc="The path.")
    state: Literal["absent", "directory", "file", "hard", "link", "touch"] | None = arg(
        None, doc="What should be there; where absent, what is there, else a file."
    )
    src: str | None = arg(None, doc="What a link points to.")
    force: bool = arg(False, doc="Make a link in place of a file, and to what is not there.")
    follow: bool = arg(True, doc="Where path is a symbolic link, mean what it points to.")
    recurse: bool = arg(False, doc="Set mode and owner of all that is in a folder.")
    mode: Mode | None = arg(None, doc='Mode, such as "0644" or "u=rwX,g=rX,o=".')
    owner: str | None = arg(None, doc="Owner, by name or number.")
    group: str | None = arg(None, doc="Group, by name or number.")
    modification_time: str | None = arg(None, doc="preserve, now, or a time; touch means now.")
    modification_time_format: str = arg("%Y%m%d%H%M.%S", doc="How that time is written.")
    access_time: str | None = arg(None, doc="preserve, now, or a time; touch means now.")
    access_time_format: str = arg("%Y%m%d%H%M.%S", doc="How that time is written.")

    def __post_init__(self) -> None:
        """Refuse `src` for what is no link, and `recurse` for what is no folder."""
        if self.recurse and self.state not in (None, "directory"):
            raise ValueError("'recurse' needs state=directory")
        if self.src is not None and self.state not in (None, "link", "hard"):
            raise ValueError("'src' needs state=link or state=hard")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the path to its state."""
    path = files.expanded(args.path)
    attributes = Attributes(args.mode, args.owner, args.group)
    problem = ownership.complaint(attributes, check=context.check)
    if problem:
        return failed(problem)
    if args.src is not None and args.state == "hard" and os.path.isdir(path):
        path = os.path.join(path, os.path.basename(args.src))
    found = ownership.state(path)
    state = args.state or (found if found != "absent" else "directory" if args.recurse else "file")
    if args.recurse and state != "directory":
        return failed(f"recurse option requires state to be 'directory', and {path} is a {state}")
    if args.src is not None and state not in ("link", "hard"):
        return failed("src option requires state to be 'link' or 'hard'")
    try:
        times = _times(args, state)
    except ValueError as error:
        return failed(f"no time of that form: {error}")
    wish = Wish(
        path=path,
        state=state,
        src=None if args.src is None else files.expanded(args.src),
        attributes=attributes,
        times=times,
        force=args.force,
        follow=args.follow,
        recurse=args.recurse,
    )
    return _described(_STATES[state](wish, context))


def _times(args: Args, state: str) -> tuple[float | None, float | None]:
    """Return the access and modification time to set, None to leave one; `ValueError` for what is no time."""
    usual = "now" if state == "touch" else "preserve"
    return (
        _file_states.moment(args.access_time or usual, args.access_time_format),
        _file_states.moment(args.modification_time or usual, args.modification_time_format),
    )


def _described(done: TaskResult) -> TaskResult:
    """Read again, and add what is there now."""
    path = done.values.get("path") or done.values.get("dest")
    if done.failed or path is None or not os.path.exists(path):
        return done
    return TaskResult(
        done.changed, msg=done.msg, values={**done.values, **ownership.described(path)}, diff=done.diff
    )
