"""Which archive a version of a package comes from, by what apt says of its sources."""

from __future__ import annotations

import re

from edgectl.remote.proc import Proc

_SOURCE = re.compile(r"^\s+-?\d+ (\S.*)$")
_ORIGIN = re.compile(r"\bo=([^,]*)")
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+)")


def others(proc: Proc, versions: dict[str, str], origin: str) -> str:
    """Return the packages whose version no archive of this origin has, with where it is had; else an empty text."""
    known = origins(proc.query(["apt-cache", "policy"]).stdout)
    told = proc.query(["apt-cache", "policy", *versions]).stdout
    wrong = []
    for name, version in versions.items():
        there = {known.get(source, source) for source in sources(told, name, version)}
        if origin not in there:
            wrong.append(f"{name} ({', '.join(sorted(there)) or 'nowhere'})")
    return ", ".join(wrong)


def origins(policy: str) -> dict[str, str]:
    """Return the origin of each source that `apt-cache policy` lists, by the words it uses for the source."""
    found: dict[str, str] = {}
    source = ""
    for line in policy.splitlines():
        match = _SOURCE.match(line)
        if match:
            source = match.group(1)
        elif source and line.strip().startswith("release "):
            origin = _ORIGIN.search(line)
            found[source] = origin.group(1) if origin else ""
    return found


def sources(policy: str, package: str, version: str) -> list[str]:
    """Return the sources that have this version, from what `apt-cache policy PACKAGE…` said."""
    found: list[str] = []
    at_package = at_version = False
    for line in policy.splitlines():
        if line and not line[0].isspace():
            at_package, at_version = line.rstrip(":") == package, False
            continue
        is_version = _VERSION.match(line)
        if is_version:
            at_version = at_package and is_version.group(1) == version
        elif at_version:
            match = _SOURCE.match(line)
            if match:
                found.append(match.group(1))
    return found
