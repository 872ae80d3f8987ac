"""`systemd-run`: a command as a transient service."""

from __future__ import annotations

import os
import shlex
import sys
import time

from edgectl.lab.guest.bus import ask

_TAKES_VALUE = (
    "-u",
    "--unit",
    "-p",
    "--property",
    "--description",
    "-E",
    "--setenv",
    "--uid",
    "--gid",
    "--slice",
    "--working-directory",
    "--service-type",
    "--on-active",
    "--timer-property",
)
_SECTIONS = {"Description": "Unit", "After": "Unit", "Wants": "Unit"}


def main(arguments: list[str]) -> int:
    """Define and start the unit; with `--wait` or `--pipe` wait for its end."""
    options, command = _parse(arguments[1:])
    unit = options.get("--unit", [f"run-r{os.urandom(16).hex()}"])[-1]
    unit = unit if "." in unit else f"{unit}.service"
    if ask({"do": "show", "unit": unit})["properties"]["ActiveState"] in ("active", "activating"):
        sys.stderr.write(f"Failed to start transient service unit: Unit {unit} was already loaded.\n")
        return 1
    ask({"do": "define", "unit": unit, "values": _values(options, command)})
    answer = ask({"do": "start", "unit": unit})
    if "error" in answer:
        sys.stderr.write(answer["error"] + "\n")
        return int(answer["code"])
    if "--quiet" not in options and "-q" not in options:
        sys.stderr.write(f"Running as unit: {unit}\n")
    return _wait(unit) if "--wait" in options else 0


def _parse(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    options: dict[str, list[str]] = {}
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] != "--":
        name, equals, value = words[place].partition("=")
        if not equals and name in _TAKES_VALUE:
            place += 1
            value = words[place]
        name = {"-u": "--unit", "-p": "--property", "-E": "--setenv"}.get(name, name)
        options.setdefault(name, []).append(value)
        place += 1
    rest = words[place:]
    return options, rest[1:] if rest[:1] == ["--"] else rest


def _values(options: dict[str, list[str]], command: list[str]) -> list[list[str]]:
    values = [["Service", "ExecStart", " ".join(shlex.quote(word).replace("%", "%%") for word in command)]]
    for text in options.get("--property", []):
        key, _, value = text.partition("=")
        values.append([_SECTIONS.get(key, "Service"), key, value])
    values += [["Service", "Environment", shlex.quote(text)] for text in options.get("--setenv", [])]
    for option, key in (("--uid", "User"), ("--gid", "Group"), ("--working-directory", "WorkingDirectory"),
                        ("--service-type", "Type")):  # fmt: skip
        values += [["Service", key, value] for value in options.get(option, [])]
    values += [
        ["Unit", "Description", value] for value in options.get("--description", [shlex.join(command)])
    ]
    return values


def _wait(unit: str) -> int:
    while True:
        properties = ask({"do": "show", "unit": unit})["properties"]
        if properties["ActiveState"] in ("inactive", "failed"):
            return int(properties["ExecMainStatus"])
        time.sleep(0.05)
