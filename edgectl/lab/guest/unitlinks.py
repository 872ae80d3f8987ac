"""Enabling and masking units: links in /etc/systemd/system, as `systemctl enable` makes them."""

from __future__ import annotations

import glob
import os
import re

FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
_NULL = "/dev/null"


class UnitFileError(Exception):
    """What systemctl would complain about."""


def change(verb: str, unit: str, *, runtime: bool) -> list[str]:
    """Carry out enable, disable, reenable, mask or unmask; return what systemctl says while doing so."""
    folder = FOLDERS[1] if runtime else FOLDERS[0]
    if verb == "mask":
        return _mask(unit, folder)
    if verb == "unmask":
        return _remove([path for path in (f"{FOLDERS[0]}/{unit}", f"{FOLDERS[1]}/{unit}") if _is_mask(path)])
    path = fragment(unit)
    if not path:
        raise UnitFileError(f"Failed to {verb} unit: Unit file {unit} does not exist.")
    if verb in ("enable", "reenable") and _is_mask(path):
        raise UnitFileError(f"Failed to {verb} unit: Unit file {path} is masked.")
    said = _remove(_links(unit)) if verb in ("disable", "reenable") else []
    return said + (_enable(unit, path, folder) if verb in ("enable", "reenable") else [])


def fragment(unit: str) -> str:
    """Return the path of a unit's file, its template's for an instance; empty where there is none."""
    stem, at, rest = unit.partition("@")
    names = [unit, f"{stem}@.{rest.rpartition('.')[2]}"] if at else [unit]
    return next(
        (f"{folder}/{name}" for folder in FOLDERS for name in names if os.path.lexists(f"{folder}/{name}")),
        "",
    )


def state_of(unit: str) -> str:
    """Return what `systemctl is-enabled` prints; empty for a unit that is not there."""
    path = fragment(unit)
    if not path:
        return ""
    if _is_mask(path):
        return "masked"
    if any(link.startswith(FOLDERS[0]) for link in _links(unit)):
        return "enabled"
    if _links(unit):
        return "enabled-runtime"
    return "disabled" if _install_section(path) else "static"


def _is_mask(path: str) -> bool:
    return os.path.islink(path) and os.path.realpath(path) == _NULL


def _links(unit: str) -> list[str]:
    kinds = ("wants", "requires")
    return [link for folder in FOLDERS for kind in kinds for link in glob.glob(f"{folder}/*.{kind}/{unit}")]


def _install_section(path: str) -> list[tuple[str, str]]:
    with open(path, encoding="utf-8") as file:
        _, _, section = file.read().partition("[Install]")
    pairs = re.findall(r"^\s*(WantedBy|RequiredBy|Also|Alias)\s*=\s*(.+)$", section, re.MULTILINE)
    return [(key, name) for key, value in pairs for name in value.split()]


def _enable(unit: str, path: str, folder: str) -> list[str]:
    said: list[str] = []
    for key, name in _install_section(path):
        if key == "Also":
            said += change("enable", name, runtime=False) if name != unit else []
            continue
        place = {
            "WantedBy": f"{folder}/{name}.wants/{unit}",
            "RequiredBy": f"{folder}/{name}.requires/{unit}",
        }
        link = place.get(key, f"{folder}/{name}")
        if not os.path.lexists(link):
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(path, link)
            said.append(f"Created symlink {link} → {path}.")
    return said


def _mask(unit: str, folder: str) -> list[str]:
    link = f"{folder}/{unit}"
    if _is_mask(link):
        return []
    if os.path.lexists(link):
        raise UnitFileError(f"Failed to mask unit: File {link} already exists.")
    os.symlink(_NULL, link)
    return [f"Created symlink {link} → {_NULL}."]


def _remove(paths: list[str]) -> list[str]:
    for path in paths:
        os.unlink(path)
    return [f"Removed {path}." for path in paths]
