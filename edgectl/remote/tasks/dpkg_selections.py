"""Hold a package at its version, or let go of it."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._dpkg import Installed, read_installed

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the package."""

    name: str = arg(doc="The package; a virtual one means the installed package that provides it.")
    selection: Literal["install", "hold", "deinstall", "purge"] = arg(doc="What dpkg should do with it.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring dpkg's selection to what is wanted."""
    installed = read_installed(context.proc)
    if isinstance(installed, str):
        return failed(installed)
    name = _real_name(args.name, installed)
    known = installed.packages.get(name)
    before = known.selection if known is not None else "not present"
    values = {"name": name, "before": before, "after": args.selection}
    if before == args.selection:
        return TaskResult(values=values)
    if context.check:
        return TaskResult(changed=True, values=values)
    if known is None and args.selection == "hold":
        return failed(f"{name} is not installed, so it cannot be held: install it first", **values)
    problem = _set(name, args.selection, context)
    return failed(problem, **values) if problem else TaskResult(changed=True, values=values)


def _set(name: str, selection: str, context: TaskContext) -> str:
    """Tell dpkg and read again; return what is wrong, or an empty text."""
    done = context.proc.run(["dpkg", "--set-selections"], stdin=f"{name} {selection}\n")
    if done.rc != 0:
        return f"dpkg --set-selections failed: {done.stderr.strip()}"
    again = read_installed(context.proc)
    if isinstance(again, str):
        return again
    found = again.packages.get(name)
    if found is None or found.selection != selection:
        return (
            f"{name} is not on '{selection}' though dpkg took it: {done.stderr.strip() or 'no reason given'}"
        )
    return ""


def _real_name(name: str, installed: Installed) -> str:
    if name in installed.packages:
        return name
    return next(iter(installed.providers(name)), name)
