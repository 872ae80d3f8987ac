"""`apt-cache`: policy, madison, show, pkgnames, search."""

from __future__ import annotations

import sys

from edgectl.lab.guest.apt_get import parse
from edgectl.lab.guest.apt_plan import Archive
from edgectl.lab.guest.catalogue import load_catalogue, priority, read_pins
from edgectl.lab.guest.packages import Package, read_packages

_FAILED = 100
_PLACE = "http://lab.invalid/debian stable/main amd64 Packages"


def main(arguments: list[str]) -> int:
    """Run one apt-cache command; return its exit code."""
    verb, *names = parse(arguments[1:]).words or [""]
    archive = Archive(load_catalogue(), read_packages(), read_pins())
    if verb in ("pkgnames", "search"):
        found = [name for name in sorted(archive.offers) if all(word in name for word in names)]
        lines = [
            name if verb == "pkgnames" else f"{name} - {archive.offers[name].description}" for name in found
        ]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        return 0
    if verb not in _VERBS:
        sys.stderr.write(f"E: Invalid operation {verb}\n")
        return _FAILED
    worst = 0
    for name in names:
        if name in archive.offers:
            _VERBS[verb](name, archive)
        elif verb == "show":
            sys.stderr.write(f"N: Unable to locate package {name}\nE: No packages found\n")
            worst = _FAILED
        else:
            sys.stderr.write(f"N: Unable to locate package {name}\n")
    return worst


def _policy(name: str, archive: Archive) -> None:
    installed = archive.version(name)
    lines = [
        f"{name}:",
        f"  Installed: {installed or '(none)'}",
        f"  Candidate: {archive.candidate(name) or '(none)'}",
    ]
    lines.append("  Version table:")
    for version in reversed(archive.offers[name].versions):
        rank = priority(name, version, archive.pins)
        lines.append(f" {'***' if version == installed else '   '} {version} {rank}")
        lines.append(f"        {rank} {_PLACE}")
        if version == installed:
            lines.append("        100 /var/lib/dpkg/status")
    sys.stdout.write("\n".join(lines) + "\n")


def _madison(name: str, archive: Archive) -> None:
    for version in reversed(archive.offers[name].versions):
        sys.stdout.write(f"{name:>10} | {version:>10} | {_PLACE}\n")


def _show(name: str, archive: Archive) -> None:
    offer = archive.offers[name]
    for version in reversed(offer.versions):
        package = Package(
            name,
            version,
            offer.architecture,
            "install",
            "installed",
            offer.depends_of(version),
            offer.description,
        )
        lines = [line for line in package.paragraph().splitlines() if not line.startswith("Status: ")]
        sys.stdout.write("\n".join(lines) + "\n\n")


_VERBS = {"policy": _policy, "madison": _madison, "show": _show}
