"""`systemctl` for services: arguments, verbs, exit codes as systemd's."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from edgectl.lab.guest import power, unitlinks
from edgectl.lab.guest.bus import ask
from edgectl.lab.guest.systemctl_show import list_unit_files, list_units, print_properties, print_status

_SUFFIXES = (".service", ".target", ".timer", ".socket", ".mount", ".path", ".slice", ".scope")
_INACTIVE, _NOT_FOUND = 3, 4
_POWER = ("reboot", "poweroff", "halt")
_TAKES_VALUE = (
    "-p",
    "--property",
    "-n",
    "--lines",
    "-o",
    "--output",
    "-t",
    "--type",
    "-s",
    "--signal",
    "--state",
)


class Options:
    """Options by name, however they were spelled, and the other words."""

    def __init__(self, words: list[str]) -> None:
        self.words: list[str] = []
        self.named: dict[str, list[str]] = {}
        rest = iter(words)
        for word in rest:
            name, equals, value = word.partition("=")
            if word.startswith("-p") and word[2:]:
                self._add("--property", word[2:].lstrip("="))
            elif word.startswith("-"):
                self._add(name, value if equals or name not in _TAKES_VALUE else next(rest, ""))
            else:
                self.words.append(word)

    def _add(self, name: str, value: str) -> None:
        name = {"-p": "--property", "-q": "--quiet", "-t": "--type", "-s": "--signal"}.get(name, name)
        self.named.setdefault(name, []).append(value)

    def has(self, name: str) -> bool:
        """Tell whether an option was given."""
        return name in self.named


def main(arguments: list[str]) -> int:
    """Run one systemctl command; return its exit code."""
    if os.path.basename(arguments[0]) in power.PROGRAMS:
        return power.main(arguments)
    options = Options(arguments[1:])
    verb, *units = options.words or ["list-units"]
    units = [full_name(unit) for unit in units]
    if verb in _POWER:
        return _power(verb)
    if verb in _JOBS:
        return max([_job(verb, unit) for unit in units], default=0)
    if verb in _FILES:
        return _files(verb, units, options)
    if verb in _QUERIES:
        return _QUERIES[verb](units, options)
    _complain(f"Unknown command verb '{verb}'.")
    return 1


def full_name(unit: str) -> str:
    """Return a unit's name with its suffix."""
    return unit if unit.endswith(_SUFFIXES) else f"{unit}.service"


def _complain(message: str) -> None:
    sys.stderr.write(message + "\n")


def _power(verb: str) -> int:
    ask({"do": "power", "kind": verb})
    return 0


# Verbs that start or stop.

_JOBS = (
    "start",
    "stop",
    "restart",
    "reload",
    "try-restart",
    "condrestart",
    "reload-or-restart",
    "try-reload-or-restart",
)


def _job(verb: str, unit: str) -> int:
    properties = ask({"do": "show", "unit": unit})["properties"]
    if properties["NeedDaemonReload"] == "yes":
        _complain(
            f"Warning: The unit file, source configuration file or drop-ins of {unit} changed on disk. "
            "Run 'systemctl daemon-reload' to reload units."
        )
    active = properties["ActiveState"] in ("active", "activating")
    if verb in ("try-restart", "condrestart", "try-reload-or-restart") and not active:
        return 0
    if verb in ("reload-or-restart", "try-reload-or-restart"):
        verb = "reload" if active and properties["CanReload"] == "yes" else "restart"
    verb = "restart" if verb in ("try-restart", "condrestart") else verb
    answer = ask({"do": verb, "unit": unit})
    if "error" in answer:
        _complain(answer["error"])
    return int(answer.get("code", 0))


# Verbs that change links.

_FILES = ("enable", "disable", "reenable", "mask", "unmask")


def _files(verb: str, units: list[str], options: Options) -> int:
    runtime = options.has("--runtime")
    for unit in units:
        try:
            said = unitlinks.change(verb, unit, runtime=runtime)
        except unitlinks.UnitFileError as error:
            _complain(str(error))
            return 1
        if not options.has("--quiet"):
            for line in said:
                _complain(line)
    ask({"do": "daemon-reload"})
    if options.has("--now") and verb in ("enable", "disable", "mask", "reenable"):
        return max(
            [_job("start" if verb in ("enable", "reenable") else "stop", unit) for unit in units], default=0
        )
    return 0


# Verbs that ask.


def _is_active(units: list[str], options: Options) -> int:
    states = [ask({"do": "show", "unit": unit})["properties"]["ActiveState"] for unit in units]
    _print_lines(states, options)
    return 0 if "active" in states else _INACTIVE


def _is_failed(units: list[str], options: Options) -> int:
    states = [ask({"do": "show", "unit": unit})["properties"]["ActiveState"] for unit in units]
    _print_lines(states, options)
    return 0 if "failed" in states else 1


def _is_enabled(units: list[str], options: Options) -> int:
    worst = 0
    for unit in units:
        state = unitlinks.state_of(unit)
        if not state:
            _complain(f"Failed to get unit file state for {unit}: No such file or directory")
            worst = _NOT_FOUND if worst == 0 else worst
            continue
        _print_lines([state], options)
        worst = worst if state in ("enabled", "enabled-runtime", "static", "alias", "indirect") else 1
    return 1 if worst else 0


def _print_lines(lines: list[str], options: Options) -> None:
    if not options.has("--quiet"):
        sys.stdout.write("".join(f"{line}\n" for line in lines))


def _show(units: list[str], options: Options) -> int:
    wanted = [name for value in options.named.get("--property", []) for name in value.split(",")]
    print_properties(units, wanted, values_only=options.has("--value"))
    return 0


def _status(units: list[str], _options: Options) -> int:
    return max([print_status(unit) for unit in units], default=0)


def _cat(units: list[str], _options: Options) -> int:
    for unit in units:
        properties = ask({"do": "show", "unit": unit})["properties"]
        if not properties["FragmentPath"]:
            _complain(f"No files found for {unit}.")
            return 1
        for path in [properties["FragmentPath"], *properties["DropInPaths"].split()]:
            with open(path, encoding="utf-8") as file:
                sys.stdout.write(f"# {path}\n{file.read()}\n")
    return 0


def _system_state(_units: list[str], options: Options) -> int:
    failed = any(unit["ActiveState"] == "failed" for unit in ask({"do": "list"})["units"])
    _print_lines(["degraded" if failed else "running"], options)
    return 1 if failed else 0


def _daemon_reload(_units: list[str], _options: Options) -> int:
    ask({"do": "daemon-reload"})
    return 0


def _reset_failed(units: list[str], _options: Options) -> int:
    for unit in units or [""]:
        ask({"do": "reset-failed", "unit": unit})
    return 0


def _kill(units: list[str], options: Options) -> int:
    name = options.named.get("--signal", ["TERM"])[-1].replace("SIG", "")
    number = int(name) if name.isdecimal() else getattr(signal, f"SIG{name}")
    for unit in units:
        ask({"do": "kill", "unit": unit, "signal": int(number)})
    return 0


def _version(_units: list[str], _options: Options) -> int:
    sys.stdout.write("systemd 252 (252.38-1~deb12u1, edgectl lab)\n")
    return 0


_QUERIES: dict[str, Callable[[list[str], Options], int]] = {
    "is-active": _is_active,
    "is-failed": _is_failed,
    "is-enabled": _is_enabled,
    "show": _show,
    "status": _status,
    "cat": _cat,
    "is-system-running": _system_state,
    "daemon-reload": _daemon_reload,
    "daemon-reexec": _daemon_reload,
    "reset-failed": _reset_failed,
    "kill": _kill,
    "list-units": lambda units, options: list_units(units, options.named),
    "list-unit-files": lambda units, options: list_unit_files(units, options.named),
    "version": _version,
}
