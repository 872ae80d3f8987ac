"""What dpkg knows: the packages that are here, their versions, selections and what they provide."""

from __future__ import annotations

import re

from edgectl.remote.lean import NamedTuple
from edgectl.remote.proc import Proc

_FIELDS = "${Package}\\t${Architecture}\\t${Version}\\t${db:Status-Want} ${db:Status-Status}\\t${Provides}\\n"
_NAME = re.compile(r"\s*([^\s(:]+)")


class Package(NamedTuple):
    """One package that dpkg has heard of; `status` is installed, config-files, half-configured and so on."""

    version: str
    selection: str
    status: str
    provides: tuple[str, ...] = ()

    @property
    def is_installed(self) -> bool:
        """Tell whether it is here and configured."""
        return self.status == "installed"


class Installed(NamedTuple):
    """Every package by its name, and by name:architecture."""

    packages: dict[str, Package]

    def version(self, name: str) -> str | None:
        """Return the installed version, or None."""
        package = self.packages.get(name)
        return package.version if package is not None and package.is_installed else None

    def providers(self, name: str) -> list[str]:
        """Return the installed packages that provide a virtual one."""
        return [
            real
            for real, package in self.packages.items()
            if package.is_installed and name in package.provides and ":" not in real
        ]


def read_installed(proc: Proc) -> Installed | str:
    """Ask dpkg; a text says why it cannot be asked."""
    done = proc.query(["dpkg-query", "-W", f"-f={_FIELDS}"])
    if done.rc != 0 and "no packages found" not in done.stderr:
        return f"dpkg-query failed: {done.stderr.strip()}: this module is for Debian and its kin"
    packages = {}
    for line in done.stdout.splitlines():
        name, architecture, version, state, provides = line.split("\t")
        selection, _, status = state.partition(" ")
        found = (_NAME.match(part) for part in provides.split(",") if part)
        package = Package(version, selection, status, tuple(match.group(1) for match in found if match))
        packages[f"{name}:{architecture}"] = package
        if name not in packages or package.is_installed:
            packages[name] = package
    return Installed(packages)
