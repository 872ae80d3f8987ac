"""`sysctl`: the machine's values to read, the host's own to write, kept until the next boot."""

from __future__ import annotations

import glob
import os
import sys

_SET = "/run/edgectl-lab/sysctl"
_PROC = "/proc/sys"
_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d")


def main(arguments: list[str]) -> int:
    """Read, write or load settings as sysctl(8) does; return 1 where any of it failed."""
    flags = {word for word in arguments[1:] if word.startswith("-") and word != "-"}
    words = [word for word in arguments[1:] if word not in flags]
    short = "".join(flag[1:] for flag in flags if not flag.startswith("--"))
    printer = Printer(bare="n" in short or "--values" in flags, quiet="q" in short or "--quiet" in flags)
    ignore = "e" in short or "--ignore" in flags
    if "--system" in flags:
        return _load(_system_files(), printer, ignore=True)
    if "p" in short or any(flag.startswith("--load") for flag in flags):
        return _load(words or ["/etc/sysctl.conf"], printer, ignore=ignore)
    if "a" in short or "--all" in flags:
        return max(_read(name, printer, ignore=True) for name in _all_names())
    return max([_one(word, printer, ignore=ignore) for word in words], default=0)


class Printer:
    """Prints settings the way the flags ask."""

    def __init__(self, *, bare: bool, quiet: bool) -> None:
        self._bare = bare
        self._quiet = quiet

    def print(self, name: str, value: str, *, written: bool) -> None:
        """Print one setting."""
        if not (written and self._quiet):
            sys.stdout.write(f"{value}\n" if self._bare else f"{name} = {value}\n")


def _one(word: str, printer: Printer, *, ignore: bool) -> int:
    name, equals, value = word.partition("=")
    name = name.strip().replace("/", ".")
    return (
        _write(name, value.strip(), printer, ignore=ignore) if equals else _read(name, printer, ignore=ignore)
    )


def _read(name: str, printer: Printer, *, ignore: bool) -> int:
    value = value_of(name)
    if value is None:
        return _unknown(name, ignore=ignore)
    printer.print(name, value, written=False)
    return 0


def _write(name: str, value: str, printer: Printer, *, ignore: bool) -> int:
    if value_of(name) is None:
        return _unknown(name, ignore=ignore)
    os.makedirs(_SET, exist_ok=True)
    with open(f"{_SET}/{name}", "w", encoding="utf-8") as file:
        file.write("\t".join(value.split()))
    printer.print(name, value, written=True)
    return 0


def _unknown(name: str, *, ignore: bool) -> int:
    if ignore:
        return 0
    sys.stderr.write(f"sysctl: cannot stat {_path(name)}: No such file or directory\n")
    return 1


def _path(name: str) -> str:
    return f"{_PROC}/{name.replace('.', '/')}"


def value_of(name: str) -> str | None:
    """Return a setting as this host has it; None for one the kernel does not know."""
    for path in (f"{_SET}/{name}", _path(name)):
        try:
            with open(path, encoding="utf-8") as file:
                return file.read().strip("\n")
        except FileNotFoundError:
            continue
        except OSError:
            return "" if os.path.isfile(path) else None
    return None


def _all_names() -> list[str]:
    names = []
    for folder, _, files in os.walk(_PROC):
        names += [os.path.relpath(os.path.join(folder, file), _PROC).replace("/", ".") for file in files]
    return sorted(names)


def _system_files() -> list[str]:
    found: dict[str, str] = {}
    for folder in reversed(_FOLDERS):
        found.update({os.path.basename(path): path for path in glob.glob(f"{folder}/*.conf")})
    return [found[name] for name in sorted(found)] + ["/etc/sysctl.conf"]


def _load(paths: list[str], printer: Printer, *, ignore: bool) -> int:
    worst = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            sys.stderr.write(f'sysctl: cannot open "{path}": {error.strerror}\n')
            worst = 1
            continue
        for line in lines:
            if line and line[0] not in "#;":
                worst = max(worst, _one(line.lstrip("-"), printer, ignore=ignore or line.startswith("-")))
    return worst
