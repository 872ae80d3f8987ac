"""How a host and a run end. A host that fails is one of these values, never an exception."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from edgectl.errors import ExitCode


class HostStatus(StrEnum):
    """The one way in which each selected host ends."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    BUSY = "busy"
    SKIPPED = "skipped"
    NOT_RUN = "not_run"


class TaskStatus(StrEnum):
    """How one task ended at its host."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    RESCUED = "rescued"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task as it ended at one host."""

    name: str
    module: str
    status: TaskStatus
    seconds: float
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """How one host ended, with `reason` in words where it did not end well.

    `is_final`: trying again would only repeat it, or lock an account; a refused key or login is never retried.
    """

    host: str
    pop: str
    status: HostStatus
    reason: str = ""
    failed_task: str | None = None
    seconds: float = 0.0
    tasks: Sequence[TaskRecord] = ()
    hint: str = ""
    is_final: bool = False

    def result_of(self, module: str) -> Mapping[str, Any] | None:
        """Return the result of the last task of a module, or None where none ended."""
        for task in reversed(self.tasks):
            if task.module == module:
                return task.result
        return None


def joined(before: HostOutcome, after: HostOutcome) -> HostOutcome:
    """Return the outcome of a host over two stages, of which the first ended well."""
    only_ok = after.status is HostStatus.OK and before.status is HostStatus.CHANGED
    return replace(
        after,
        status=HostStatus.CHANGED if only_ok else after.status,
        seconds=round(before.seconds + after.seconds, 3),
        tasks=(*before.tasks, *after.tasks),
    )


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How all selected hosts ended; `stopped` says why the run ended early, and is empty otherwise.

    `halted`: what it found at its hosts stopped it, not a person, a freeze or a deadline.
    """

    run: str
    hosts: Sequence[HostOutcome]
    seconds: float
    stopped: str = ""
    interrupted: bool = False
    halted: bool = False
    counts: Counter[HostStatus] = field(init=False)

    def __post_init__(self) -> None:
        """Count the hosts by status."""
        object.__setattr__(self, "counts", Counter(host.status for host in self.hosts))

    def finished(self) -> tuple[HostOutcome, ...]:
        """Return the hosts that came to a good end."""
        return tuple(host for host in self.hosts if host.status in (HostStatus.OK, HostStatus.CHANGED))


def exit_code(outcome: RunOutcome) -> ExitCode:
    """Return the contract's code: 6, then 4, then 7, then 5; unreachable never hides failed."""
    counts = outcome.counts
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    if outcome.stopped:
        return ExitCode.STOPPED
    if counts[HostStatus.FAILED]:
        return ExitCode.FAILED
    if counts[HostStatus.BUSY]:
        return ExitCode.BUSY
    if counts[HostStatus.UNREACHABLE] or counts[HostStatus.UNKNOWN]:
        return ExitCode.UNREACHABLE
    return ExitCode.DONE
