"""Bring packages to exact versions in one transaction that touches nothing else.

A driver, its fabric manager and its libraries fit together or do not work, so they change together. What the
transaction would do is simulated first; a package that nobody named is never removed, upgraded or downgraded for it.
"""

from __future__ import annotations

import os

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.proc import Completed
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _apt_sources
from edgectl.remote.tasks._apt_get import AptGet
from edgectl.remote.tasks._apt_plan import simulated
from edgectl.remote.tasks._dpkg import Installed, read_installed

REPEAT = "idempotent"
_OPTIONS = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
_OPTIONS += ["-o", "APT::Install-Recommends=no", "--allow-downgrades", "--allow-change-held-packages"]
_UPDATES = "/var/lib/dpkg/updates"


@dataclass(frozen=True)
class Args:
    """Name every package that must change with the others."""

    packages: dict[str, Any] = arg(doc="Exact versions by the packages' own names.")
    origin: str | None = arg(None, doc="The one archive that all must come from, as its Release file says.")
    update_cache: bool = arg(False, doc="Bring the package lists up to date where something is to change.")
    lock_timeout: int = arg(300, doc="Wait this many seconds for another apt or dpkg to end.")

    def __post_init__(self) -> None:
        """Refuse what is no exact version."""
        for name, version in self.packages.items():
            if not isinstance(version, str) or not version or set(version) & set("*<>= "):
                raise ValueError(f"'{name}' must have one exact version, not {version!r}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Repair what was interrupted, simulate, carry out, and read again whether it is so."""
    was_interrupted = _is_interrupted(context)
    problem = _repair(context) if was_interrupted and not context.check else ""
    before = read_installed(context.proc)
    if problem or isinstance(before, str):
        return failed(problem or str(before))
    wrong = _differing(args, before)
    values: dict[str, Any] = {
        "repaired": was_interrupted,
        "before": {name: before.version(name) for name in wrong},
    }
    if not wrong:
        return TaskResult(was_interrupted, values=values)
    apt = AptGet(context.proc, _OPTIONS, args.lock_timeout)
    problem = _transaction(args, wrong, apt, context)
    if problem and context.check and args.update_cache:
        # What is in the lists after they were brought up to date, nobody can know before.
        return TaskResult(
            changed=True, msg=f"once the package lists are up to date: {problem}", values=values
        )
    if not (problem or context.check):
        problem = _still_wrong(args, context)
    return failed(problem, **values) if problem else TaskResult(changed=True, values=values)


def _repair(context: TaskContext) -> str:
    done = context.proc.run(["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"])
    return f"dpkg was interrupted before, and cannot go on: {done.stderr.strip()}" if done.rc else ""


def _transaction(args: Args, wrong: dict[str, str], apt: AptGet, context: TaskContext) -> str:
    """Do it, or only see that it could be done; return what is wrong, or an empty text."""
    if args.update_cache and not context.check:
        done = apt.run("update")
        if done.rc != 0:
            return f"the package lists cannot be brought up to date: {done.stderr.strip()}"
    words = [f"{name}={version}" for name, version in wrong.items()]
    refusal = _refusal(args, wrong, words, apt, context)
    if refusal or context.check:
        return refusal
    done = apt.run("install", *words)
    return f"apt-get install {' '.join(words)}: {_why(done)}" if done.rc else ""


def _why(done: Completed) -> str:
    """Return why apt-get failed: what dpkg says goes to stdout, and apt itself only says that dpkg failed."""
    own = [line for line in done.stderr.splitlines() if not line.startswith("debconf: delaying")]
    dpkg = [line.strip() for line in done.stdout.splitlines() if "rror" in line or "No space" in line]
    return "; ".join(dict.fromkeys([*dpkg, *own])) or f"it ended with {done.rc}"


def _is_interrupted(context: TaskContext) -> bool:
    """Tell whether a dpkg before was cut off: packages half done, or a record that it did not write back."""
    left = os.listdir(_UPDATES) if os.path.isdir(_UPDATES) else []
    audit = context.proc.run(["dpkg", "--audit"])
    return any(name.isdigit() for name in left) or bool(audit.rc or audit.stdout.strip())


def _differing(args: Args, installed: Installed) -> dict[str, str]:
    return {name: version for name, version in args.packages.items() if installed.version(name) != version}


def _refusal(args: Args, wrong: dict[str, str], words: list[str], apt: AptGet, context: TaskContext) -> str:
    """Return why the transaction must not be, or an empty text."""
    offered = apt.offers(list(wrong))
    for name, version in wrong.items():
        offer = offered.get(name)
        if offer is None or version not in offer.versions:
            there = ", ".join(offer.versions) if offer and offer.versions else "no version at all"
            return f"no archive of this host has {name}={version}; it has {there}: check sources and the baseline"
    if args.origin is not None:
        mixed = _apt_sources.others(context.proc, wrong, args.origin)
        if mixed:
            return (
                f"not from '{args.origin}' but from elsewhere: {mixed}; one stack must come from one archive"
            )
    done = apt.run("install", *words, simulate=True)
    if done.rc != 0:
        return f"apt cannot install these together: {done.stderr.strip() or done.stdout.strip()}"
    touched = simulated(done.stdout)
    beside = [f"{change.verb} {change.name}" for change in touched if change.name not in args.packages]
    if beside:
        return f"the transaction would also {', '.join(beside)}: name these packages, or keep them out of its way"
    return ""


def _still_wrong(args: Args, context: TaskContext) -> str:
    after = read_installed(context.proc)
    if isinstance(after, str):
        return after
    wrong = _differing(args, after)
    found = [f"{name} is {after.version(name) or 'not installed'}, not {wrong[name]}" for name in wrong]
    return f"apt-get ended well, and {', '.join(found)}" if found else ""
