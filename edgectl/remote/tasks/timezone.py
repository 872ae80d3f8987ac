"""Set the host's time zone."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_LINK = "/etc/localtime"
_ZONES = "/usr/share/zoneinfo"


@dataclass(frozen=True)
class Args:
    """Name the zone, or what the hardware clock has."""

    name: str | None = arg(None, doc="The zone, such as Europe/Berlin.")
    hwclock: Literal["local", "UTC"] | None = arg(None, aliases=("rtc",), doc="What the hardware clock has.")

    def __post_init__(self) -> None:
        """Refuse a task without an aim."""
        if self.name is None and self.hwclock is None:
            raise ValueError("give 'name' or 'hwclock'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring zone and clock to what is wanted, and read both again."""
    if args.name is not None and not os.path.isfile(os.path.join(_ZONES, args.name)):
        return failed(
            f"there is no time zone '{args.name}' at this host: `timedatectl list-timezones` has all"
        )
    wanted = {"name": args.name, "hwclock": args.hwclock}
    before = _found(args, context)
    differs = {what: value for what, value in wanted.items() if value not in (None, before[what])}
    if not differs:
        return TaskResult()
    diff = {"before": _shown(before), "after": _shown({**before, **differs})} if context.diff else None
    if context.check:
        return TaskResult(changed=True, diff=diff)
    for what, value in differs.items():
        problem = _set_zone(str(value), context) if what == "name" else _set_clock(str(value), context)
        if problem:
            return failed(problem)
    after = _found(args, context)
    wrong = [f"{what} is {after[what]}" for what, value in differs.items() if after[what] != value]
    return (
        failed(f"though it was set, {' and '.join(wrong)}") if wrong else TaskResult(changed=True, diff=diff)
    )


def _found(args: Args, context: TaskContext) -> dict[str, str | None]:
    found: dict[str, str | None] = {"name": _zone(), "hwclock": None}
    if args.hwclock is not None:
        said = context.proc.run(["timedatectl", "show", "-p", "LocalRTC"]).stdout
        found["hwclock"] = "local" if said.strip().endswith("yes") else "UTC"
    return found


def _zone() -> str:
    """Return the zone that the link names; without one it is UTC (localtime(5))."""
    if not os.path.islink(_LINK):
        return "UTC"
    path = os.path.normpath(os.path.join(os.path.dirname(_LINK), os.readlink(_LINK)))
    return os.path.relpath(path, _ZONES) if path.startswith(_ZONES + "/") else "UTC"


def _set_zone(name: str, context: TaskContext) -> str:
    if os.path.isdir("/run/systemd/system"):
        done = context.proc.run(["timedatectl", "set-timezone", name])
        return "" if done.rc == 0 else f"timedatectl failed: {(done.stderr or done.stdout).strip()}"
    files.link_atomically(_LINK, os.path.join(_ZONES, name))
    if os.path.exists("/etc/timezone"):
        files.write_atomically("/etc/timezone", f"{name}\n".encode())
    return ""


def _set_clock(kind: str, context: TaskContext) -> str:
    done = context.proc.run(["timedatectl", "set-local-rtc", "yes" if kind == "local" else "no"])
    return "" if done.rc == 0 else f"timedatectl failed: {(done.stderr or done.stdout).strip()}"


def _shown(found: dict[str, str | None]) -> str:
    return "".join(f"{what}: {value}\n" for what, value in found.items() if value is not None)
