"""`apt-get`: update, install, upgrade, remove, purge, autoremove."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from dataclasses import dataclass, field
from typing import IO

from edgectl.lab.guest.apt_apply import apply
from edgectl.lab.guest.apt_plan import (
    AptError,
    Archive,
    Plan,
    plan_autoremove,
    plan_install,
    plan_remove,
    plan_upgrade,
    refuse,
)
from edgectl.lab.guest.catalogue import load_catalogue, read_pins
from edgectl.lab.guest.debversion import compare
from edgectl.lab.guest.packages import read_automatic, read_packages

_LOCK = "/var/lib/dpkg/lock-frontend"
_LISTS = "/var/lib/apt/lists"
_FAILED = 100
_TAKES_VALUE = ("-o", "--option", "-t", "--target-release", "--default-release", "-c", "--config-file", "-a")


@dataclass
class Options:
    """The words of a command line: options by name, `-o` settings, the rest."""

    words: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    settings: dict[str, str] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Tell whether any of these was given."""
        return bool(self.flags & set(names))


def parse(arguments: list[str]) -> Options:
    """Read an apt command line."""
    options = Options()
    rest = iter(arguments)
    for word in rest:
        if word in _TAKES_VALUE:
            _set(options, word, next(rest, ""))
        elif word.startswith("-o"):
            _set(options, "-o", word[2:])
        elif word.startswith("--"):
            options.flags.add(word)
        elif word.startswith("-") and word != "-":
            options.flags |= {f"-{letter}" for letter in word[1:].partition("=")[0]}
        else:
            options.words.append(word)
    return options


def _set(options: Options, name: str, value: str) -> None:
    key, _, setting = value.partition("=")
    if name in ("-o", "--option"):
        options.settings[key.lower()] = setting


def main(arguments: list[str]) -> int:
    """Run one apt-get command; return its exit code."""
    options = parse(arguments[1:])
    verb, *words = options.words or [""]
    try:
        if verb in ("update", "clean", "autoclean", "check"):
            return _refresh(verb)
        if options.has("-s", "--simulate", "--dry-run", "--just-print"):
            return _change(verb, words, options)
        with _locked(float(options.settings.get("dpkg::lock::timeout", "0"))):
            return _change(verb, words, options)
    except AptError as error:
        sys.stderr.write(f"E: {error}\n")
        return _FAILED


def _refresh(verb: str) -> int:
    if verb == "update":
        os.makedirs(f"{_LISTS}/partial", exist_ok=True)
        with open(f"{_LISTS}/lab_dists_stable_InRelease", "w", encoding="utf-8") as file:
            file.write(
                f"Origin: edgectl lab\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S UTC', time.gmtime())}\n"
            )
        os.utime(_LISTS)
        os.makedirs("/var/lib/apt/periodic", exist_ok=True)
        with open("/var/lib/apt/periodic/update-success-stamp", "w", encoding="utf-8"):
            pass
        sys.stdout.write("Hit:1 http://lab.invalid/debian stable InRelease\nReading package lists...\n")
    return 0


def _locked(timeout_s: float) -> IO[str]:
    """Take dpkg's frontend lock until the file is closed. Raises `AptError` naming the holder."""
    os.makedirs(os.path.dirname(_LOCK), exist_ok=True)
    file = open(_LOCK, "a+", encoding="utf-8")  # noqa: SIM115 - closing it is the caller's, and lets the lock go
    deadline = time.monotonic() + (timeout_s if timeout_s >= 0 else 1e9)
    while True:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                file.close()
                raise AptError(f"Could not get lock {_LOCK}. It is held by another process") from None
            time.sleep(0.1)
        else:
            return file


def _change(verb: str, words: list[str], options: Options) -> int:
    archive = Archive(load_catalogue(), read_packages(), read_pins())
    plan = _plan(verb, words, options, archive)
    _print_summary(plan, archive)
    sure = options.has("-y", "--yes", "--assume-yes")
    simulate = options.has("-s", "--simulate", "--dry-run", "--just-print")
    if not simulate and (plan.install or plan.remove):
        forced = options.has("--force-yes")
        downgrades = forced or options.has("--allow-downgrades")
        held = forced or options.has("--allow-change-held-packages")
        refuse(plan, archive, downgrades=downgrades or not sure, held=held or not sure)
        if not sure and not _confirmed():
            return 1
        apply(plan, archive, purge=verb == "purge" or options.has("--purge"))
    elif simulate:
        _print_simulation(plan, archive)
    return 0


def _plan(verb: str, words: list[str], options: Options, archive: Archive) -> Plan:
    if verb == "install":
        return plan_install(words, archive, only_upgrade=options.has("--only-upgrade"))
    if verb in ("remove", "purge"):
        return plan_remove(words, archive)
    if verb in ("upgrade", "dist-upgrade", "full-upgrade"):
        return plan_upgrade(archive)
    if verb in ("autoremove", "autopurge"):
        return plan_autoremove(read_automatic(), archive)
    raise AptError(f"Invalid operation {verb}")


def _confirmed() -> bool:
    sys.stdout.write("Do you want to continue? [Y/n] ")
    sys.stdout.flush()
    answer = sys.stdin.readline()
    if answer and answer.strip().lower() in ("", "y", "yes"):
        return True
    sys.stdout.write("Abort.\n")
    return False


def _print_summary(plan: Plan, archive: Archive) -> None:
    new = [name for name in plan.install if not archive.version(name)]
    changed = [name for name in plan.install if archive.version(name)]
    older = [name for name in changed if compare(plan.install[name], archive.version(name)) < 0]
    upgraded = [name for name in changed if name not in older]
    sys.stdout.write("Reading package lists...\nBuilding dependency tree...\nReading state information...\n")
    for name in plan.newest_already:
        sys.stdout.write(f"{name} is already the newest version ({archive.version(name)}).\n")
    _print_names("The following packages will be REMOVED:", plan.remove)
    _print_names("The following packages have been kept back:", plan.kept)
    _print_names("The following NEW packages will be installed:", new)
    _print_names("The following packages will be upgraded:", upgraded)
    _print_names("The following packages will be DOWNGRADED:", older)
    downgraded = f", {len(older)} downgraded" if older else ""
    waiting = len(set(_upgradable(archive)) - set(plan.install))
    sys.stdout.write(
        f"{len(upgraded)} upgraded, {len(new)} newly installed{downgraded}, "
        f"{len(plan.remove)} to remove and {waiting} not upgraded.\n"
    )


def _upgradable(archive: Archive) -> list[str]:
    there = [name for name in archive.offers if archive.version(name)]
    return [name for name in there if archive.candidate(name) != archive.version(name)]


def _print_names(title: str, names: list[str]) -> None:
    if names:
        sys.stdout.write(f"{title}\n  {' '.join(sorted(names))}\n")


def _print_simulation(plan: Plan, archive: Archive) -> None:
    for name in plan.remove:
        sys.stdout.write(f"Remv {name} [{archive.version(name)}]\n")
    for name, version in reversed(plan.install.items()):
        old = f"[{archive.version(name)}] " if archive.version(name) else ""
        sys.stdout.write(f"Inst {name} {old}({version} lab:stable [{archive.offers[name].architecture}])\n")
    for name, version in reversed(plan.install.items()):
        sys.stdout.write(f"Conf {name} ({version} lab:stable [{archive.offers[name].architecture}])\n")
