"""`ExecStart=` and its kin: prefixes, specifiers, quoting, variables."""

from __future__ import annotations

import re
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

_PREFIXES = "-@:+!"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)\})")
_BARE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a unit; a failure of it counts unless `ignore_failure`."""

    words: tuple[str, ...]
    ignore_failure: bool = False


def specifiers(unit: str) -> dict[str, str]:
    """Return what `%x` stands for in the files of a unit."""
    stem, _, _ = unit.rpartition(".")
    prefix, _, instance = stem.partition("@")
    return {
        "n": unit, "N": stem, "p": prefix, "P": prefix, "i": instance, "I": instance.replace("-", "/"),
        "j": prefix,         "H": socket.gethostname(), "h": "/root", "u": "root", "U": "0", "t": "/run",
        "S": "/var/lib", "C": "/var/cache",
        "L": "/var/log", "E": "/etc", "%": "%",
    }  # fmt: skip


def expand(text: str, unit: str) -> str:
    """Replace the specifiers in a value of a unit file."""
    known = specifiers(unit)
    return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), text)


def parse_command(line: str, unit: str) -> Command:
    """Read a command line; its variables are left for `fill_in`. Raises `ValueError` for a lone quote."""
    prefix = re.match(f"[{re.escape(_PREFIXES)}]*", line)
    marks = prefix[0] if prefix else ""
    words = [expand(word, unit) for word in shlex.split(line[len(marks) :])]
    if "@" in marks and len(words) > 1:
        del words[1]
    return Command(tuple(words), ignore_failure="-" in marks)


def fill_in(command: Command, environment: dict[str, str]) -> list[str]:
    """Return the words to execute: `${NAME}` inside a word, `$NAME` alone as words of its value."""
    words: list[str] = []
    for word in command.words:
        alone = _BARE.fullmatch(word)
        if alone:
            words += _split(environment.get(alone[1], ""))
        else:
            words.append(_VARIABLE.sub(lambda found: _value(found, environment), word))
    return words


def _value(found: re.Match[str], environment: dict[str, str]) -> str:
    return environment.get(found[1], "") if found[1] else "$"


def _split(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()  # a lone quote in a value is a character like any other


def parse_assignments(values: list[str]) -> dict[str, str]:
    """Read `Environment=`: words of NAME=VALUE, quoted as a shell would."""
    words = [word for value in values for word in _split(value)]
    return dict(word.split("=", 1) for word in words if "=" in word)


def read_environment_file(value: str) -> dict[str, str]:
    """Read an `EnvironmentFile=`; a leading `-` forgives its absence. Raises `OSError` otherwise."""
    path = Path(value.removeprefix("-"))
    if value.startswith("-") and not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if line and line[0] not in "#;" and "=" in line)
    return {name.strip(): " ".join(_split(text)) for name, text in pairs}
