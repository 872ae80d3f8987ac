"""Install, upgrade or remove Debian packages."""

from __future__ import annotations

import fnmatch
import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.proc import Completed
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _apt_plan
from edgectl.remote.tasks._apt_get import AptGet, lists_time
from edgectl.remote.tasks._apt_plan import Plan, Wanted
from edgectl.remote.tasks._dpkg import Installed, read_installed

REPEAT = "idempotent"
_NOTHING = "0 upgraded, 0 newly installed, 0 to remove"
_INCOMPLETE = ("Some index files failed to download", "Failed to fetch")


@dataclass(frozen=True)
class Args:
    """Name packages, a .deb file, an upgrade or an update of the lists."""

    package: list[str] | None = arg(
        None, aliases=("name", "pkg"), doc="Names; name=1.2, name=1.2* and name>=1.2 choose a version."
    )
    state: Literal["absent", "latest", "present"] = arg("present", doc="What should be so.")
    deb: str | None = arg(None, doc="A .deb file at the host, or its URL.")
    upgrade: Literal["dist", "full", "no", "safe", "yes"] = arg("no", doc="Upgrade all that is installed.")
    update_cache: bool = arg(False, aliases=("update-cache",), doc="Bring the package lists up to date.")
    update_cache_retries: int = arg(5, doc="How often to try that.")
    update_cache_retry_max_delay: int = arg(12, doc="Wait at most this many seconds between tries.")
    cache_valid_time: int = arg(0, doc="Lists younger than this many seconds will do.")
    default_release: str | None = arg(None, aliases=("default-release",), doc="Prefer this release.")
    install_recommends: bool | None = arg(
        None, aliases=("install-recommends",), doc="Install recommended packages too."
    )
    only_upgrade: bool = arg(False, doc="Leave what is not installed.")
    purge: bool = arg(False, doc="Remove configuration too.")
    autoremove: bool = arg(False, doc="Remove what nothing needs any more.")
    autoclean: bool = arg(False, doc="Remove downloads that are out of date.")
    clean: bool = arg(False, doc="Remove all downloads.")
    fail_on_autoremove: bool = arg(False, doc="Fail rather than remove anything.")
    allow_downgrade: bool = arg(
        False,
        aliases=("allow-downgrade", "allow_downgrades", "allow-downgrades"),
        doc="Install older versions.",
    )
    allow_change_held_packages: bool = arg(False, doc="Change packages that are on hold.")
    allow_unauthenticated: bool = arg(False, aliases=("allow-unauthenticated",), doc="Do without signatures.")
    dpkg_options: str = arg("force-confdef,force-confold", doc="Options for dpkg, without dashes.")
    lock_timeout: int = arg(60, doc="Wait this many seconds for another apt or dpkg to end.")
    force_apt_get: bool = arg(False, doc="Accepted for Ansible's sake; apt-get it always is.")
    auto_install_module_deps: bool = arg(True, doc="Accepted for Ansible's sake; there are none.")

    def __post_init__(self) -> None:
        """Refuse several aims, and none."""
        aims = [
            name
            for name, given in (
                ("package", self.package is not None),
                ("deb", self.deb is not None),
                ("upgrade", self.upgrade != "no"),
            )
            if given
        ]
        if len(aims) > 1:
            raise ValueError(f"give one of {', '.join(aims)}, not several")
        others = (self.update_cache, self.cache_valid_time, self.autoremove, self.autoclean, self.clean)
        if not aims and not any(others):
            raise ValueError("give 'name', 'deb', 'upgrade', 'update_cache', 'autoremove' or 'clean'")
        if self.deb is not None and self.state != "present":
            raise ValueError("'deb' goes with state=present only")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the packages to what is wanted, and read again whether they are."""
    apt = AptGet(context.proc, _options(args), args.lock_timeout)
    cached = _update_lists(args, apt, context)
    if isinstance(cached, TaskResult):
        return cached
    if args.deb is not None:
        done = _install_file(args.deb, apt, context)
    elif args.upgrade != "no" or args.package == ["*"]:
        done = _upgrade(args, apt, context)
    elif args.package:
        done = _packages(args, apt, context)
        if done.failed and context.check and cached["cache_updated"]:
            # What a host that never fetched lists will find in them, nobody can know before.
            done = TaskResult(
                changed=True, msg=f"after the package lists were brought up to date: {done.msg}"
            )
    else:
        done = _tidy(args, apt, context, updated=bool(cached["cache_updated"]))
    return TaskResult(done.changed, done.failed, done.msg, {**done.values, **cached}, done.diff)


def _install_file(deb: str, apt: AptGet, context: TaskContext) -> TaskResult:
    from edgectl.remote.tasks import _deb  # it brings urllib along

    return _deb.install(deb, apt, context)


def _options(args: Args) -> list[str]:
    options = [
        word for option in args.dpkg_options.split(",") for word in ("-o", f"Dpkg::Options::=--{option}")
    ]
    if args.install_recommends is not None:
        options += ["-o", f"APT::Install-Recommends={'yes' if args.install_recommends else 'no'}"]
    if args.default_release is not None:
        options += ["-t", args.default_release]
    flags = {
        "--allow-downgrades": args.allow_downgrade,
        "--allow-change-held-packages": args.allow_change_held_packages,
        "--allow-unauthenticated": args.allow_unauthenticated,
        "--no-remove": args.fail_on_autoremove,
    }
    return options + [flag for flag, given in flags.items() if given]


def _update_lists(args: Args, apt: AptGet, context: TaskContext) -> dict[str, Any] | TaskResult:
    """Update the lists where that is due; return Ansible's two values, or the failure."""
    before = lists_time()
    due = (args.update_cache or args.cache_valid_time > 0) and before + args.cache_valid_time < time.time()
    if not due or context.check:
        return {"cache_updated": due, "cache_update_time": before}
    tries = max(args.update_cache_retries, 1)
    said = ""
    for attempt in range(tries):
        done = apt.run("update")
        if done.rc == 0 and not any(words in done.stderr for words in _INCOMPLETE):
            after = lists_time()
            return {"cache_updated": after != before, "cache_update_time": after}
        said = done.stderr.strip() or done.stdout.strip()
        if attempt + 1 < tries:
            time.sleep(min(2**attempt, args.update_cache_retry_max_delay))
    return failed(f"Failed to update apt cache after {tries} tries: {said}")


def _upgrade(args: Args, apt: AptGet, context: TaskContext) -> TaskResult:
    words = ["dist-upgrade"] if args.upgrade in ("dist", "full") else ["upgrade", "--with-new-pkgs"]
    words += ["--auto-remove"] * args.autoremove
    done = apt.run(*words, simulate=context.check)
    return _told(done, f"apt-get {words[0]}", context, changed=_NOTHING not in done.stdout)


def _tidy(args: Args, apt: AptGet, context: TaskContext, *, updated: bool) -> TaskResult:
    """Do what needs no package: clean, autoclean, autoremove, or nothing besides the update."""
    result = TaskResult(changed=updated)
    tasks = (
        (args.clean, "clean", ""),
        (args.autoclean, "autoclean", "Del "),
        (args.autoremove, "autoremove", "The following packages will be REMOVED"),
    )
    for asked, word, sign in tasks:
        if asked:
            done = apt.run(word, *["--purge"] * args.purge, simulate=context.check)
            result = _told(done, f"apt-get {word}", context, changed=result.changed or sign in done.stdout)
            if result.failed:
                break
    return result


def _packages(args: Args, apt: AptGet, context: TaskContext) -> TaskResult:
    installed = read_installed(context.proc)
    if isinstance(installed, str):
        return failed(installed)
    try:
        wanted = _expanded([_apt_plan.parse(text) for text in args.package or []], apt)
    except ValueError as error:
        return failed(str(error))
    if args.state == "absent":
        plan = _apt_plan.to_remove(wanted, installed, apt.compare, purge=args.purge)
        words = ["remove"] + ["--purge"] * args.purge
    else:
        plan = _install_plan(args, wanted, installed, apt)
        words = ["install"] + ["--only-upgrade"] * args.only_upgrade
    if plan.problem:
        return failed(plan.problem)
    words += ["--auto-remove"] * args.autoremove
    if not plan.words:
        return TaskResult()
    done = apt.run(*words, *plan.words, simulate=context.check)
    result = _told(done, f"apt-get {words[0]} {' '.join(plan.words)}", context, changed=True)
    if context.check or result.failed:
        return result
    return _proven(args, wanted, apt, context, result)


def _expanded(wanted: list[Wanted], apt: AptGet) -> list[Wanted]:
    """Replace patterns of names by the names that match; `ValueError` where none does."""
    found = []
    for one in wanted:
        if not set("*?[]!") & set(one.name):
            found.append(one)
            continue
        names = fnmatch.filter(apt.names(), one.name)
        if not names:
            raise ValueError(f"No package(s) matching '{one.name}' available")
        found += [one._replace(name=name) for name in names]
    return found


def _install_plan(args: Args, wanted: list[Wanted], installed: Installed, apt: AptGet) -> Plan:
    latest = args.state == "latest"
    if args.only_upgrade:
        wanted = [one for one in wanted if installed.version(one.name) is not None]
    asked = [one.name for one in wanted if latest or not _apt_plan.is_satisfied(one, installed, apt.compare)]
    offers = apt.offers(asked) if asked else {}
    return _apt_plan.to_install(wanted, installed, offers, apt.compare, latest=latest)


def _told(done: Completed, command: str, context: TaskContext, *, changed: bool) -> TaskResult:
    """Return what apt-get said in Ansible's form."""
    values = {"stdout": done.stdout, "stderr": done.stderr}
    if done.rc != 0:
        said = done.stderr.strip() or done.stdout.strip()
        return failed(f"'{command}' failed: {said}", rc=done.rc, **values)
    diff = {"prepared": _prepared(done.stdout)} if context.diff and changed else None
    return TaskResult(changed, values=values, diff=diff)


def _prepared(said: str) -> str:
    """Return the part of apt-get's output that says what it will do."""
    _, _, told = said.rpartition("Reading state information...")
    lines = told.splitlines()
    end = next((n for n, line in enumerate(lines) if " upgraded, " in line), len(lines) - 1)
    return "\n".join(line for line in lines[: end + 1] if line.strip() not in ("", "Done"))


def _proven(
    args: Args, wanted: list[Wanted], apt: AptGet, context: TaskContext, result: TaskResult
) -> TaskResult:
    """Read again: apt-get may end well and leave a package as it was."""
    installed = read_installed(context.proc)
    if isinstance(installed, str):
        return failed(installed)
    if args.state == "absent":
        wrong = [str(one) for one in wanted if installed.version(one.name) is not None]
        asked = "removed"
    else:
        wrong = [str(one) for one in wanted if not _apt_plan.is_satisfied(one, installed, apt.compare)]
        wrong = [] if args.only_upgrade else wrong
        asked = "installed"
        automatic = apt.automatic([one.name for one in wanted])
        if automatic:
            apt.mark_manual(automatic)
    if wrong:
        return failed(f"apt-get ended well, and {', '.join(wrong)} is still not {asked}", **result.values)
    return result
