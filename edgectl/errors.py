"""The errors that stop the controller, and the exit codes of the contract, on one screen.

A host that fails is a value (`engine.outcome`); an exception here means that edgectl itself cannot go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What a command's exit status tells cron and CI."""

    DONE = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    FAILED = 4
    UNREACHABLE = 5
    STOPPED = 6
    BUSY = 7
    MISSING = 8
    CHANGES = 10
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file a person wrote; `line` and `column` count from 1."""

    path: Path
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint about input: what is wrong, where, and what to write instead."""

    message: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.place}   {self.message}" if self.place else self.message


class EdgectlError(Exception):
    """Base of all errors a person may see; `hint` is the command or the text that helps."""

    exit_code = ExitCode.BUG

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EdgectlError):
    """The command line cannot be meant."""

    exit_code = ExitCode.USAGE


class InputError(EdgectlError):
    """Inventory, playbook, spec or settings are wrong. No host was contacted."""

    exit_code = ExitCode.INPUT

    def __init__(self, problems: Sequence[Problem] | str, *, hint: str = "") -> None:
        self.problems = (Problem(problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems), hint=hint)


class StoppedError(EdgectlError):
    """A budget, gate, window or policy said no, or a measurement cannot be trusted."""

    exit_code = ExitCode.STOPPED


class DetachedError(EdgectlError):
    """A person left a run whose work at the hosts goes on; `hint` is the command that comes back to it."""

    exit_code = ExitCode.INTERRUPTED


class BusyError(EdgectlError):
    """Another run holds what this one needs."""

    exit_code = ExitCode.BUSY


class MissingError(EdgectlError):
    """Something edgectl itself needs is not there: a key, the state store, an engine, the lab."""

    exit_code = ExitCode.MISSING
