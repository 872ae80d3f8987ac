"""What is installed: /var/lib/dpkg/status in dpkg's own format."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

STATUS = "/var/lib/dpkg/status"
INFO = "/var/lib/dpkg/info"
AUTOMATIC = "/var/lib/apt/extended_states"


@dataclass
class Package:
    """A paragraph of the status file: `want` install, hold, deinstall; `state` installed or config-files."""

    name: str
    version: str
    architecture: str = "amd64"
    want: str = "install"
    state: str = "installed"
    depends: list[str] = field(default_factory=list)
    description: str = ""

    @property
    def installed(self) -> bool:
        """Tell whether the package is there, not only its configuration."""
        return self.state == "installed"

    @property
    def held(self) -> bool:
        """Tell whether apt must leave the package as it is."""
        return self.want == "hold"

    def paragraph(self) -> str:
        """Return the package as the status file has it."""
        lines = [
            f"Package: {self.name}",
            f"Status: {self.want} ok {self.state}",
            "Priority: optional",
            "Section: misc",
            "Installed-Size: 1024",
            "Maintainer: edgectl lab <lab@localhost>",
            f"Architecture: {self.architecture}",
            f"Version: {self.version}",
            *([f"Depends: {', '.join(self.depends)}"] if self.depends else []),
            f"Description: {self.description}",
        ]
        return "\n".join(lines) + "\n"


def read_packages() -> dict[str, Package]:
    """Return all packages dpkg knows, by name."""
    if not os.path.exists(STATUS):
        return {}
    with open(STATUS, encoding="utf-8") as file:
        packages = [_parse(paragraph) for paragraph in file.read().split("\n\n") if paragraph.strip()]
    return {package.name: package for package in packages}


def _parse(paragraph: str) -> Package:
    values = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
    want, _, state = values["Status"].split()
    depends = values.get("Depends", "")
    return Package(
        values["Package"],
        values["Version"],
        values["Architecture"],
        want,
        state,
        depends.split(", ") if depends else [],
        values.get("Description", ""),
    )


def write_packages(packages: dict[str, Package]) -> None:
    """Replace the status file."""
    os.makedirs(os.path.dirname(STATUS), exist_ok=True)
    text = "\n".join(packages[name].paragraph() for name in sorted(packages))
    with open(f"{STATUS}-new", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{STATUS}-new", STATUS)


def read_automatic() -> set[str]:
    """Return the packages that came only as a dependency."""
    if not os.path.exists(AUTOMATIC):
        return set()
    with open(AUTOMATIC, encoding="utf-8") as file:
        return {line.split(": ", 1)[1].strip() for line in file if line.startswith("Package: ")}


def write_automatic(names: set[str]) -> None:
    """Replace the list of automatic packages."""
    os.makedirs(os.path.dirname(AUTOMATIC), exist_ok=True)
    with open(AUTOMATIC, "w", encoding="utf-8") as file:
        file.write(
            "\n".join(f"Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n" for name in sorted(names))
        )


def files_of(name: str) -> list[str]:
    """Return the files a package brought."""
    path = f"{INFO}/{name}.list"
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return file.read().split()
