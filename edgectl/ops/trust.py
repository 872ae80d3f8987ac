"""`trust`: pin SSH host keys on purpose. Nothing else in edgectl ever learns a key."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edgectl.clock import Clock
from edgectl.engine.faults import HostFault
from edgectl.engine.ports import KeyScanner, ShownKey
from edgectl.errors import ExitCode
from edgectl.inventory.model import Host
from edgectl.report import HostEntry, Line, Report, Table, Tone

_WIDTH = 32


@dataclass(frozen=True, slots=True)
class Scan:
    """What each host showed: new keys, keys as pinned, keys that differ, and hosts that did not answer."""

    new: Sequence[ShownKey]
    same: Sequence[ShownKey]
    changed: Sequence[ShownKey]
    silent: Sequence[tuple[Host, str]]


def scan(scanner: KeyScanner, hosts: Sequence[Host]) -> Scan:
    """Ask every host for its key."""
    with ThreadPoolExecutor(_WIDTH) as pool:
        answers = list(pool.map(lambda host: (host, _ask(scanner, host)), hosts))
    shown = [answer for _, answer in answers if isinstance(answer, ShownKey)]
    return Scan(
        new=[key for key in shown if not key.pinned],
        same=[key for key in shown if key.pinned == key.fingerprint],
        changed=[key for key in shown if key.pinned and key.pinned != key.fingerprint],
        silent=[(host, answer) for host, answer in answers if isinstance(answer, str)],
    )


def _ask(scanner: KeyScanner, host: Host) -> ShownKey | str:
    try:
        return scanner.scan(host)
    except HostFault as fault:
        return fault.message


def pin(path: Path, keys: Sequence[ShownKey]) -> None:
    """Add keys to a known_hosts file, written beside and renamed."""
    before = path.read_text() if path.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    beside = path.with_name(path.name + ".new")
    beside.write_text(before + "".join(f"{key.line}\n" for key in keys))
    beside.replace(path)


def trust_report(clock: Clock, began: float, command: str, result: Scan, *, pinned: bool) -> Report:
    """Tell what a scan found; a changed key is a failure, and is never replaced here."""
    word = "pinned" if pinned else "not pinned"
    rows = [[key.host, word, key.fingerprint] for key in result.new]
    rows += [[key.host, "changed", f"{key.fingerprint} (pinned {key.pinned})"] for key in result.changed]
    rows += [[host.name, "unreachable", reason] for host, reason in result.silent]
    code = _code(result, pinned=pinned)
    body: list[Line | Table] = [Table(["host", "key", ""], rows)] if rows else []
    body += [Line(_closing(result, word), Tone.BAD if code else Tone.PLAIN)]
    if result.changed:
        hint = "a changed key is an attack or a reinstalled host: find out, remove its line, then scan again"
        body.append(Line(f"  {hint}", Tone.QUIET))
    return Report(
        command=command,
        started=clock.now(),
        seconds=clock.monotonic() - began,
        exit_code=code,
        hosts=_entries(result, pinned=pinned),
        body=body,
    )


def _code(result: Scan, *, pinned: bool) -> ExitCode:
    if result.changed or (result.new and not pinned):
        return ExitCode.FAILED
    return ExitCode.UNREACHABLE if result.silent else ExitCode.DONE


def _closing(result: Scan, word: str) -> str:
    counts = {
        word: len(result.new),
        "as pinned": len(result.same),
        "changed": len(result.changed),
        "unreachable": len(result.silent),
    }
    return " · ".join(f"{count} {name}" for name, count in counts.items() if count) or "no hosts"


def _entries(result: Scan, *, pinned: bool) -> tuple[HostEntry, ...]:
    status = "changed" if pinned else "failed"
    return (
        *(HostEntry(key.host, "", status, data={"fingerprint": key.fingerprint}) for key in result.new),
        *(HostEntry(key.host, "", "ok", data={"fingerprint": key.fingerprint}) for key in result.same),
        *(HostEntry(key.host, "", "failed", "host key changed") for key in result.changed),
        *(HostEntry(host.name, host.pop.name, "unreachable", reason) for host, reason in result.silent),
    )
