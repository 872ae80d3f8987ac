"""What the lab's package archive offers, and which version of a package apt would choose."""

from __future__ import annotations

import glob
import json
import os
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from edgectl.lab.guest.debversion import compare, newest_last

_DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "catalogue.json")
PREFERENCES = "/etc/apt/preferences.d"
_USUAL, _INSTALLED, _NEVER_DOWNGRADED = 500, 100, 1000


@dataclass
class Offer:
    """A package of the archive, all its versions, oldest first."""

    name: str
    versions: list[str]
    description: str
    architecture: str = "amd64"
    depends: dict[str, list[str]] = field(default_factory=dict)
    programs: list[str] = field(default_factory=list)
    daemons: dict[str, str] = field(default_factory=dict)
    conffiles: dict[str, str] = field(default_factory=dict)
    enable: bool = True
    reboot: bool = False
    base: Any = False

    def depends_of(self, version: str) -> list[str]:
        """Return what a version of the package needs, as `name` or `name (= version)`."""
        needed = self.depends.get(version) or self.depends.get("*", [])
        return [text.replace("{version}", version) for text in needed]

    @property
    def preinstalled(self) -> str:
        """The version a host's disk comes with; empty for none."""
        return self.base if isinstance(self.base, str) else self.versions[-1] if self.base else ""


def load_catalogue(path: str = _DATA) -> dict[str, Offer]:
    """Return every package of the archive, by name."""
    with open(path, encoding="utf-8") as file:
        data: dict[str, dict[str, Any]] = json.load(file)
    offers = {name: Offer(name=name, **values) for name, values in data.items()}
    for offer in offers.values():
        offer.versions.sort(key=newest_last)
    return offers


@dataclass(frozen=True)
class Pin:
    """One `Pin: version` of /etc/apt/preferences.d."""

    names: tuple[str, ...]
    version: str
    priority: int

    def covers(self, name: str, version: str) -> bool:
        """Tell whether the pin is about this version."""
        return any(fnmatch(name, pattern) for pattern in self.names) and fnmatch(version, self.version)


def read_pins(folder: str = PREFERENCES) -> list[Pin]:
    """Return the pins in force, the earliest file first."""
    pins = []
    for path in sorted(glob.glob(f"{folder}/*")):
        if "." in os.path.basename(path) and not path.endswith(".pref"):
            continue  # apt_preferences(5): other extensions are ignored
        with open(path, encoding="utf-8") as file:
            pins += [pin for text in file.read().split("\n\n") if (pin := _parse_pin(text))]
    return pins


def _parse_pin(text: str) -> Pin | None:
    values = dict(
        line.split(":", 1) for line in text.splitlines() if ":" in line and not line.startswith("#")
    )
    kind, _, pattern = values.get("Pin", "").strip().partition(" ")
    if kind != "version" or "Pin-Priority" not in values:
        return None
    return Pin(tuple(values.get("Package", "").split()), pattern.strip(), int(values["Pin-Priority"]))


def priority(name: str, version: str, pins: list[Pin]) -> int:
    """Return the priority apt gives a version of the archive."""
    return next((pin.priority for pin in pins if pin.covers(name, version)), _USUAL)


def candidate(offer: Offer, installed: str, pins: list[Pin]) -> str:
    """Return the version apt would install; only a priority above 1000 lets an older one win."""
    ranked = [(priority(offer.name, version, pins), version) for version in offer.versions]
    allowed = [
        (rank, version)
        for rank, version in ranked
        if rank >= 0 and not (installed and rank <= _NEVER_DOWNGRADED and compare(version, installed) < 0)
    ]
    if installed and installed not in offer.versions:
        allowed.append((_INSTALLED, installed))
    best = max((rank for rank, _ in allowed), default=0)
    return max((version for rank, version in allowed if rank == best), key=newest_last, default=installed)
