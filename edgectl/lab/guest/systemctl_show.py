"""The parts of `systemctl` that print."""

from __future__ import annotations

import glob
import os
import sys
from fnmatch import fnmatch

from edgectl.lab.guest import unitlinks
from edgectl.lab.guest.bus import ask
from edgectl.lab.guest.journalctl import entries, line_of

_DOT = {"active": "●", "failed": "×"}  # noqa: RUF001 - systemd's own sign
_INACTIVE, _NOT_FOUND = 3, 4


def print_properties(units: list[str], wanted: list[str], *, values_only: bool) -> None:
    """Print `show` of units, an empty line between them; of the host itself where no unit is named."""
    blocks = []
    for unit in units:
        properties = ask({"do": "show", "unit": unit})["properties"]
        names = [name for name in wanted if name in properties] if wanted else list(properties)
        lines = [properties[name] if values_only else f"{name}={properties[name]}" for name in names]
        blocks.append("".join(f"{line}\n" for line in lines))
    sys.stdout.write("\n".join(blocks) if units else "Version=252\nSystemState=running\n")


def print_status(unit: str) -> int:
    """Print `status` of a unit; return systemctl's exit code for it."""
    properties = ask({"do": "show", "unit": unit})["properties"]
    if properties["LoadState"] == "not-found":
        sys.stderr.write(f"Unit {unit} could not be found.\n")
        return _NOT_FOUND
    state = properties["ActiveState"]
    since = properties["StateChangeTimestamp"]
    where = f"{properties['FragmentPath']}; {properties['UnitFileState']}; preset: enabled"
    sys.stdout.write(
        f"{_DOT.get(state, '○')} {unit} - {properties['Description']}\n"
        f"     Loaded: {properties['LoadState']} ({where})\n"
        f"     Active: {state} ({properties['SubState']}) since {since}\n"
    )
    if properties["MainPID"] != "0":
        sys.stdout.write(f"   Main PID: {properties['MainPID']}\n")
    lines = [line_of(entry) for entry in entries(unit)[-10:]]
    sys.stdout.write("".join(f"{line}\n" for line in ["", *lines] if lines))
    return 0 if state in ("active", "activating") else _INACTIVE


def list_units(patterns: list[str], options: dict[str, list[str]]) -> int:
    """Print the units that run or failed; all that are known with `--all`."""
    units = _matching(ask({"do": "list"})["units"], patterns, options)
    if "--failed" in options or "failed" in options.get("--state", []):
        units = [unit for unit in units if unit["ActiveState"] == "failed"]
    elif "--all" not in options and "-a" not in options:
        units = [unit for unit in units if unit["ActiveState"] != "inactive"]
    rows = [
        f"{unit['Id']} {unit['LoadState']} {unit['ActiveState']} {unit['SubState']} {unit['Description']}"
        for unit in units
    ]
    _print_table("UNIT LOAD ACTIVE SUB DESCRIPTION", rows, f"{len(rows)} loaded units listed.", options)
    return 0


def list_unit_files(patterns: list[str], options: dict[str, list[str]]) -> int:
    """Print every unit file and whether it is enabled."""
    paths = [path for folder in unitlinks.FOLDERS for path in glob.glob(f"{folder}/*.*")]
    names = sorted({os.path.basename(path) for path in paths if not os.path.isdir(path)})
    units = _matching([{"Id": name} for name in names], patterns, options)
    rows = [f"{unit['Id']} {unitlinks.state_of(unit['Id'])} enabled" for unit in units]
    _print_table("UNIT FILE STATE PRESET", rows, f"{len(rows)} unit files listed.", options)
    return 0


def _matching(
    units: list[dict[str, str]], patterns: list[str], options: dict[str, list[str]]
) -> list[dict[str, str]]:
    kinds = tuple(f".{kind}" for value in options.get("--type", []) for kind in value.split(","))
    bare = [pattern[: -len(".service")] if pattern.endswith("*.service") else pattern for pattern in patterns]
    return [
        unit
        for unit in units
        if (not patterns or any(fnmatch(unit["Id"], pattern) for pattern in [*patterns, *bare]))
        and (not kinds or unit["Id"].endswith(kinds))
    ]


def _print_table(header: str, rows: list[str], footer: str, options: dict[str, list[str]]) -> None:
    bare = "--no-legend" in options or options.get("--legend") == ["false"]
    lines = rows if bare else [header, *rows, "", footer]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
