"""`apt-mark`: holds, and which packages came only as a dependency."""

from __future__ import annotations

import sys

from edgectl.lab.guest.apt_get import parse
from edgectl.lab.guest.catalogue import load_catalogue
from edgectl.lab.guest.packages import read_automatic, read_packages, write_automatic, write_packages

_FAILED = 100


def main(arguments: list[str]) -> int:
    """Run one apt-mark command; return its exit code."""
    verb, *names = parse(arguments[1:]).words or [""]
    if verb in ("hold", "unhold"):
        return _hold(names, want="hold" if verb == "hold" else "install")
    if verb in ("auto", "manual"):
        return _mark(names, automatic=verb == "auto")
    if verb.startswith("show"):
        return _show(verb, names)
    sys.stderr.write(f"E: Invalid operation {verb}\n")
    return _FAILED


def _hold(names: list[str], *, want: str) -> int:
    packages = read_packages()
    unknown = [name for name in names if name not in packages and name not in load_catalogue()]
    if unknown:
        sys.stderr.write(f"E: Unable to locate package {unknown[0]}\nE: No packages found\n")
        return _FAILED
    for name in names:
        package = packages.get(name)
        if not package or not package.installed:
            sys.stderr.write(f"E: No installed version of package '{name}' to hold\n")
            return _FAILED
        if package.want == want:
            said = (
                f"{name} was already set on hold." if want == "hold" else f"{name} was already not on hold."
            )
        else:
            said = f"{name} set on hold." if want == "hold" else f"Canceled hold on {name}."
        package.want = want
        sys.stdout.write(said + "\n")
    write_packages(packages)
    return 0


def _mark(names: list[str], *, automatic: bool) -> int:
    marked = read_automatic()
    write_automatic(marked | set(names) if automatic else marked - set(names))
    for name in names:
        sys.stdout.write(f"{name} set to {'automatically' if automatic else 'manually'} installed.\n")
    return 0


def _show(verb: str, names: list[str]) -> int:
    automatic = read_automatic()
    installed = [package for package in read_packages().values() if package.installed]
    chosen = {
        "showhold": [package.name for package in installed if package.held],
        "showauto": [package.name for package in installed if package.name in automatic],
        "showmanual": [package.name for package in installed if package.name not in automatic],
    }
    if verb.rstrip("s") not in chosen:
        sys.stderr.write(f"E: Invalid operation {verb}\n")
        return _FAILED
    found = sorted(chosen[verb.rstrip("s")])
    sys.stdout.write("".join(f"{name}\n" for name in found if not names or name in names))
    return 0
