"""Hold packages at their versions, under their real names, and prove it."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._dpkg import Installed, read_installed

REPEAT = "idempotent"


@dataclass(frozen=True)
class Args:
    """Name the packages."""

    packages: list[str] = arg(aliases=("name",), doc="Packages; a virtual one means those that provide it.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Hold what is not held; `held` are the real names."""
    installed = read_installed(context.proc)
    if isinstance(installed, str):
        return failed(installed)
    names = [name for asked in args.packages for name in _real(asked, installed)]
    absent = [asked for asked in args.packages if not _real(asked, installed)]
    if absent and not context.check:
        return failed(f"not installed, so they cannot be held: {', '.join(absent)}; install them first")
    loose = [name for name in names if installed.packages[name].selection != "hold"]
    if context.check or not (loose or absent):
        return TaskResult(bool(loose or absent), values={"held": names})
    said = context.proc.run(["dpkg", "--set-selections"], stdin="".join(f"{name} hold\n" for name in loose))
    held = context.proc.run(["apt-mark", "showhold"], environment={"LC_ALL": "C"}).stdout.split()
    wrong = [name for name in names if name not in held]
    if wrong:
        return failed(f"still not held: {', '.join(wrong)}: {said.stderr.strip() or 'dpkg gave no reason'}")
    return TaskResult(changed=True, values={"held": names})


def _real(name: str, installed: Installed) -> list[str]:
    """Return the installed packages that a name means."""
    if installed.version(name) is not None:
        return [name]
    return installed.providers(name)
