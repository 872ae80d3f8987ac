"""Install, upgrade or remove RPM packages."""

from __future__ import annotations

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.proc import Completed
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_ENVIRONMENT = {"LC_ALL": "C"}
# dnf check-update ends with it where there is something to update.
_UPDATES = 100


@dataclass(frozen=True)
class Args:
    """Name packages; in check mode what dnf would do is told from what is installed."""

    name: list[str] = arg(
        factory=list, aliases=("pkg",), doc='Names, name-version, paths of .rpm files, or "*".'
    )
    state: Literal["absent", "installed", "latest", "present", "removed"] | None = arg(
        None, doc="What should be so; present where absent, with autoremove absent."
    )
    enablerepo: list[str] = arg(factory=list, doc="Use these repositories too.")
    disablerepo: list[str] = arg(factory=list, doc="Do without these repositories.")
    exclude: list[str] = arg(factory=list, doc="Leave these packages.")
    autoremove: bool = arg(False, doc="Remove what nothing needs any more.")
    update_cache: bool = arg(False, aliases=("expire-cache",), doc="Bring the package lists up to date.")
    update_only: bool = arg(False, doc="With latest: leave what is not installed.")
    security: bool = arg(False, doc="With latest: nothing but security updates.")
    disable_gpg_check: bool = arg(False, doc="Do without signatures.")
    allowerasing: bool = arg(False, doc="Remove what is in the way.")
    allow_downgrade: bool = arg(False, doc="Install older versions.")
    skip_broken: bool = arg(False, doc="Leave out what cannot be installed.")
    install_weak_deps: bool = arg(True, doc="Install recommended packages too.")
    lock_timeout: int = arg(30, doc="Accepted for Ansible's sake; dnf waits for its lock by itself.")

    def __post_init__(self) -> None:
        """Refuse a task without an aim."""
        if not self.name and not (self.autoremove or self.update_cache):
            raise ValueError("give 'name', 'autoremove' or 'update_cache'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the packages to what is wanted, and read again whether they are."""
    if args.update_cache and not context.check:
        done = _dnf(args, context, "makecache")
        if done.rc != 0:
            return _failure(done)
    state = args.state or ("absent" if args.autoremove else "present")
    if not args.name and not args.autoremove:
        return TaskResult(msg="Cache updated")
    words = words_for(args, state, context)
    if not words:
        return TaskResult(msg="Nothing to do", values={"results": [], "rc": 0})
    values: dict[str, Any] = {"results": words, "rc": 0}
    if context.check:
        return TaskResult(changed=True, values=values)
    done = _dnf(args, context, *words)
    if done.rc != 0:
        return _failure(done)
    left = [name for name in args.name if name != "*" and _differs(name, state, context)]
    if left and not (args.skip_broken or args.update_only):
        return failed(f"dnf ended well, and {', '.join(left)} is still not {state}", **values)
    is_changed = "Nothing to do." not in done.stdout
    return TaskResult(is_changed, values=values)


def words_for(args: Args, state: str, context: TaskContext) -> list[str]:
    """Return what dnf must be told, or nothing."""
    if args.autoremove:
        return ["autoremove", *args.name]
    if state in ("absent", "removed"):
        there = [name for name in args.name if _is_installed(name, context)]
        return ["remove", *there] if there else []
    missing = [name for name in args.name if name != "*" and not _is_installed(name, context)]
    if state != "latest":
        return ["install", *missing] if missing else []
    security = ["--security"] if args.security else []
    old = [name for name in args.name if name not in missing]
    named = [name for name in old if name != "*"]
    is_due = bool(old) and _dnf(args, context, "check-update", *security, *named).rc == _UPDATES
    if missing and not args.update_only:
        return ["install", *args.name] if "*" not in args.name else ["upgrade", *security]
    return ["upgrade", *security, *named] if is_due else []


def _differs(name: str, state: str, context: TaskContext) -> bool:
    return _is_installed(name, context) == (state in ("absent", "removed"))


def _is_installed(name: str, context: TaskContext) -> bool:
    """Ask rpm; a path stands for the package in the file, a name may be what a package provides."""
    if name.endswith(".rpm"):
        name = context.proc.query(["rpm", "-qp", name]).stdout.strip()
    return context.proc.query(["rpm", "-q", "--whatprovides", name]).rc == 0 or (
        context.proc.query(["rpm", "-q", name]).rc == 0
    )


def _dnf(args: Args, context: TaskContext, *words: str) -> Completed:
    flags = {
        "--nogpgcheck": args.disable_gpg_check,
        "--allowerasing": args.allowerasing or args.allow_downgrade,
        "--skip-broken": args.skip_broken,
        "--setopt=install_weak_deps=False": not args.install_weak_deps,
    }
    options = [flag for flag, given in flags.items() if given]
    for option, names in (
        ("enablerepo", args.enablerepo),
        ("disablerepo", args.disablerepo),
        ("exclude", args.exclude),
    ):
        options += [f"--{option}={name}" for name in names]
    return context.proc.run(["dnf", "-y", *options, *words], environment=_ENVIRONMENT)


def _failure(done: Completed) -> TaskResult:
    if done.rc == 127:  # noqa: PLR2004 - no such program
        return failed("there is no dnf at this host: use apt, or package for either")
    return failed(f"dnf failed: {(done.stderr or done.stdout).strip()}", rc=done.rc, results=[])
