"""Make sure that a group of users is there, or is not."""

from __future__ import annotations

import grp

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the group."""

    name: str = arg(doc="The group.")
    gid: int | None = arg(None, doc="Its number.")
    state: Literal["absent", "present"] = arg("present", doc="Whether it should be there.")
    system: bool = arg(False, doc="A new one gets a number of the system's.")
    force: bool = arg(False, doc="Remove it even where it is some user's first group.")
    non_unique: bool = arg(False, doc="Another group may have the same number.")
    gid_min: int | None = arg(None, doc="The lowest number a new one may get.")
    gid_max: int | None = arg(None, doc="The highest number a new one may get.")

    def __post_init__(self) -> None:
        """Refuse a second owner of a number that is not named."""
        if self.non_unique and self.gid is None:
            raise ValueError("'non_unique' needs 'gid'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the group to what is wanted, and read again whether it is."""
    words = words_for(args, _number(args.name))
    if not words:
        return TaskResult(values=_described(args))
    if context.check:
        return TaskResult(changed=True, values=_described(args))
    done = context.proc.run(words, environment={"LC_ALL": "C"})
    if done.rc != 0:
        return failed((done.stderr or done.stdout).strip(), rc=done.rc, name=args.name)
    if words_for(args, _number(args.name)):
        return failed(f"{words[0]} ended well, and the group is still not as wanted", **_described(args))
    return TaskResult(changed=True, values=_described(args))


def words_for(args: Args, gid: int | None) -> list[str]:
    """Return the command that is needed for a group whose number is `gid`, None where there is none."""
    numbered = ["-g", str(args.gid), *["-o"] * args.non_unique] if args.gid is not None else []
    if args.state == "absent":
        return [] if gid is None else ["groupdel", *["--force"] * args.force, args.name]
    if gid is None:
        bounds = (("GID_MIN", args.gid_min), ("GID_MAX", args.gid_max))
        limits = [word for name, value in bounds if value is not None for word in ("-K", f"{name}={value}")]
        return ["groupadd", *numbered, *["-r"] * args.system, *limits, args.name]
    return ["groupmod", *numbered, args.name] if args.gid not in (None, gid) else []


def _number(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _described(args: Args) -> dict[str, Any]:
    values: dict[str, Any] = {"name": args.name, "state": args.state}
    gid = _number(args.name)
    if args.state == "present" and gid is not None:
        values.update(system=args.system, gid=gid)
    return values
