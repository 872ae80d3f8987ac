"""`journalctl` and `dmesg`: the journal PID 1 keeps, and the kernel log."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

_JOURNAL = "/var/log/journal/journal.jsonl"
KERNEL_LOG = "/run/edgectl-lab/kmsg"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_TAKES_VALUE = ("-u", "--unit", "-n", "--lines", "-o", "--output", "-S", "--since", "-U", "--until", "-g",
                "--grep",
                "-p", "--priority", "-t", "--identifier")  # fmt: skip
_LONG = {
    "-u": "--unit",
    "-n": "--lines",
    "-o": "--output",
    "-k": "--dmesg",
    "-b": "--boot",
    "-S": "--since",
    "-g": "--grep",
}


def entries(unit: str = "") -> list[dict[str, Any]]:
    """Return the journal, or what concerns one unit."""
    if not os.path.exists(_JOURNAL):
        return []
    with open(_JOURNAL, encoding="utf-8") as file:
        found = [json.loads(line) for line in file if line.endswith("}\n")]
    return [entry for entry in found if not unit or entry["unit"] == unit]


def kernel_entries() -> list[dict[str, Any]]:
    """Return the kernel log of this boot, times as of the clock on the wall."""
    booted = _boot_moment()
    found = []
    with open(KERNEL_LOG, encoding="utf-8") as file:
        for line in file:
            head, _, message = line.rstrip("\n").partition(";")
            priority, _, microseconds, *_ = head.split(",")
            moment = booted + int(microseconds) / 1e6
            found.append({"time": moment, "boot": boot_id(), "unit": "", "source": "kernel", "pid": 0,
                          "priority": int(priority) & 7, "message": message})  # fmt: skip
    return found


def _boot_moment() -> float:
    return os.stat("/run/edgectl-lab/boot_id").st_mtime


def boot_id() -> str:
    """Return the id of this boot as the journal writes it."""
    with open(_BOOT_ID, encoding="utf-8") as file:
        return file.read().strip().replace("-", "")


def line_of(entry: dict[str, Any]) -> str:
    """Return an entry in the short format."""
    moment = time.strftime("%b %d %H:%M:%S", time.gmtime(entry["time"]))
    process = f"[{entry['pid']}]" if entry["pid"] else ""
    return f"{moment} {os.uname().nodename} {entry['source']}{process}: {entry['message']}"


def main(arguments: list[str]) -> int:
    """Print the journal as asked."""
    options = _parse(arguments[1:])
    if any(name in options for name in ("--flush", "--sync", "--rotate", "--vacuum-size", "--vacuum-time")):
        return 0
    if options.get("--boot", "").startswith("-"):
        sys.stderr.write(
            "Specifying boot ID or boot offset has no effect, no persistent journal was found.\n"
        )
        return 1
    found = _select(options)
    if not found and options.get("--output", "short") in ("short", "short-iso"):
        sys.stdout.write("-- No entries --\n")
    for entry in found:
        sys.stdout.write(_FORMATS.get(options.get("--output", "short"), line_of)(entry) + "\n")
    return 0


def _parse(words: list[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word[:2] in ("-n", "-u", "-o") and word[2:]:
            name, equals, value = word[:2], "=", word[2:]
        taken = value if equals or name not in _TAKES_VALUE else next(rest, "")
        options[_LONG.get(name, name)] = taken
    return options


def _select(options: dict[str, str]) -> list[dict[str, Any]]:
    unit = options.get("--unit", "")
    unit = unit if not unit or "." in unit else f"{unit}.service"
    found = kernel_entries() if "--dmesg" in options else entries(unit)
    if not unit and "--dmesg" not in options:
        found = sorted(found + kernel_entries(), key=lambda entry: float(entry["time"]))
    if "--boot" in options:
        found = [entry for entry in found if entry["boot"] == boot_id()]
    if options.get("--since", "").startswith("@"):
        found = [entry for entry in found if entry["time"] >= float(options["--since"][1:])]
    if "--grep" in options:
        found = [entry for entry in found if options["--grep"] in entry["message"]]
    lines = options.get("--lines", "all")
    return found[-int(lines) :] if lines.isdecimal() and int(lines) else found


def _json(entry: dict[str, Any]) -> str:
    return json.dumps({
        "__REALTIME_TIMESTAMP": str(int(entry["time"] * 1e6)),
        "_BOOT_ID": entry["boot"],
        "_SYSTEMD_UNIT": entry["unit"],
        "_TRANSPORT": "kernel" if entry["source"] == "kernel" else "stdout",
        "SYSLOG_IDENTIFIER": entry["source"],
        "PRIORITY": str(entry.get("priority", 6)),
        "_PID": str(entry["pid"]),
        "MESSAGE": entry["message"],
    })  # fmt: skip


def _iso(entry: dict[str, Any]) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(entry["time"]))
    return f"{moment} {os.uname().nodename} {entry['source']}[{entry['pid']}]: {entry['message']}"


def _cat(entry: dict[str, Any]) -> str:
    return str(entry["message"])


_FORMATS: dict[str, Callable[[dict[str, Any]], str]] = {
    "cat": _cat,
    "json": _json,
    "short-iso": _iso,
    "short": line_of,
}


def dmesg(arguments: list[str]) -> int:
    """Print the kernel log with seconds since boot, or with `-T` the clock."""
    human = any("T" in word for word in arguments[1:] if word.startswith("-"))
    booted = _boot_moment()
    for entry in kernel_entries():
        if human:
            stamp = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(entry["time"]))
        else:
            stamp = f"{entry['time'] - booted:12.6f}"
        sys.stdout.write(f"[{stamp}] {entry['message']}\n")
    return 0
