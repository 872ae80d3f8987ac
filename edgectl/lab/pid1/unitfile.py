"""Unit files as systemd reads them: folders by precedence, drop-ins, templates, lists that can be reset."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

UNIT_FOLDERS = tuple(
    Path(folder) for folder in ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
)
_SECONDS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "d": 86400.0,
}
_SPAN = re.compile(r"([0-9.]+)\s*([a-z]*)")
_TRUE = ("1", "yes", "true", "on")
MASK = Path("/dev/null")


@dataclass(slots=True)
class UnitFile:
    """What a unit's files say; `values` maps (section, key) to its assignments in order."""

    name: str
    fragment: Path | None = None
    drop_ins: tuple[Path, ...] = ()
    masked: bool = False
    values: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    stamp: float = 0.0

    @property
    def exists(self) -> bool:
        """Tell whether any file defines the unit."""
        return self.fragment is not None

    def all(self, section: str, key: str) -> list[str]:
        """Return every value assigned to a key since it was last reset."""
        return self.values.get((section, key), [])

    def last(self, section: str, key: str, default: str = "") -> str:
        """Return the value that counts of a key that takes one."""
        return (self.all(section, key) or [default])[-1]

    def flag(self, section: str, key: str) -> bool:
        """Return a yes-or-no key, no where it is absent."""
        return self.last(section, key).lower() in _TRUE

    def seconds(self, section: str, key: str, default: float) -> float:
        """Return a time span in seconds; `infinity` as a very long one."""
        return seconds(self.last(section, key), default)

    def names(self, section: str, *keys: str) -> list[str]:
        """Return the unit names listed under keys."""
        return [name for key in keys for value in self.all(section, key) for name in value.split()]


def seconds(span: str, default: float) -> float:
    """Read systemd's time spans: `90`, `1min 30s`, `500ms`."""
    if not span:
        return default
    if span == "infinity":
        return 1e9
    return sum(float(number) * _SECONDS.get(unit or "s", 1.0) for number, unit in _SPAN.findall(span))


def load_unit(name: str, folders: tuple[Path, ...] = UNIT_FOLDERS) -> UnitFile:
    """Read a unit by its full name, such as `engine@chat.service`; `exists` says if it is there."""
    unit = UnitFile(name)
    for folder in folders:
        for candidate in _file_names(name):
            path = folder / candidate
            if path.is_file() or path.resolve() == MASK:
                return _read_unit(unit, path, folders)
    return unit


def _file_names(name: str) -> list[str]:
    stem, at, rest = name.partition("@")
    return [name, f"{stem}@.{rest.rpartition('.')[2]}"] if at else [name]


def _read_unit(unit: UnitFile, path: Path, folders: tuple[Path, ...]) -> UnitFile:
    unit.fragment = path
    unit.masked = path.resolve() == MASK or (path.is_file() and path.stat().st_size == 0)
    if unit.masked:
        return unit
    unit.drop_ins = _drop_ins(unit.name, folders)
    for source in (path, *unit.drop_ins):
        _read_into(unit.values, source.read_text(encoding="utf-8", errors="replace"))
    unit.stamp = newest_change(unit)
    return unit


def _drop_ins(name: str, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    found: dict[str, Path] = {}
    for folder in reversed(folders):
        for candidate in reversed(_file_names(name)):
            files = (path for path in (folder / f"{candidate}.d").glob("*.conf") if path.is_file())
            found.update({path.name: path for path in files})
    return tuple(found[key] for key in sorted(found))


def newest_change(unit: UnitFile, folders: tuple[Path, ...] = UNIT_FOLDERS) -> float:
    """Return when any of a unit's files last changed, drop-ins that came since included."""
    paths = [path for path in (unit.fragment, *_drop_ins(unit.name, folders)) if path and path.exists()]
    return max((path.stat().st_mtime for path in paths), default=0.0)


def _read_into(values: dict[tuple[str, str], list[str]], text: str) -> None:
    section = ""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if stripped.startswith("["):
            section = stripped.strip("[]")
            continue
        key, _, value = stripped.partition("=")
        place = (section, key.strip())
        if value.strip():
            values.setdefault(place, []).append(value.strip())
        else:
            values[place] = []
