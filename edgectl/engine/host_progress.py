"""What is known of a host's job so far, from what its runner said; and the one outcome that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never

from edgectl.clock import Clock
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.ports import HostWork
from edgectl.remote.job import Job
from edgectl.remote.protocol import (
    Abandoned,
    Absent,
    Booted,
    Busy,
    ConfirmWanted,
    Ended,
    Heartbeat,
    Hello,
    Message,
    Rebooting,
    Refused,
    TaskEnded,
    TaskRetried,
    TaskStarted,
)

Last = Ended | Busy | Refused | Absent | Abandoned

# What a second attempt would only repeat, and what an account may be locked for.
FINAL = frozenset(
    {FaultKind.HOST_KEY, FaultKind.AUTH, FaultKind.KEY_FILE, FaultKind.NO_PYTHON, FaultKind.SUDO}
)
# What a host may take to undo a change that nobody confirmed.
UNDOING_S = 30.0

# What Ansible, and so a task, says of a program that ended badly; a line of it is enough for a report.
_EXITED = "non-zero return code"
_LINE = 200


@dataclass(slots=True)
class Progress:
    """What is known of a host's job so far."""

    after: int = 0
    started: bool = False  # the host said hello, or an earlier controller began it: the job may have begun
    task: str = ""
    heard: int = 0  # how many signs of life of the job, greetings apart
    news_at: float = 0.0  # when the last event of its journal was heard
    lost_at: float | None = None
    greetings: int = 0
    silent_logins: int = 0
    down_until: float = 0.0  # a reboot was announced; silence is expected until then
    confirms: int | None = None  # a task waits for a fresh login
    confirm_until: float = -UNDOING_S
    tasks: list[TaskRecord] = field(default_factory=list)
    last: Last | None = None


def note(progress: Progress, message: Message, clock: Clock) -> None:
    """Take note of what the runner said."""
    if message.seq and not isinstance(message, Heartbeat):
        progress.down_until, progress.confirms = 0.0, None
        progress.news_at = clock.monotonic()
    progress.heard += not isinstance(message, Hello)
    match message:
        case Hello():
            progress.started = True
            progress.greetings += 1
        case TaskStarted():
            progress.task = message.name
        case TaskEnded():
            status = TaskStatus(message.status)
            record = TaskRecord(message.name, message.module, status, message.seconds, message.result)
            progress.tasks.append(record)
        case Rebooting():
            progress.down_until = clock.monotonic() + message.timeout_s
        case ConfirmWanted():
            progress.confirms = message.number
            progress.confirm_until = clock.monotonic() + message.within_s
        case Abandoned() if progress.down_until > clock.monotonic():
            pass  # its host is rebooting for it
        case Ended() | Busy() | Refused() | Absent() | Abandoned():
            progress.last = message
        case Heartbeat() | TaskRetried() | Booted():
            pass
        case _:
            assert_never(message)


def judged(work: HostWork, progress: Progress, last: Last) -> HostOutcome:
    """Return how a host ended by its own last word."""
    match last:
        case Ended():
            status = HostStatus(last.status)
            return outcome_of(work, progress, status, _why(last, progress), failed_task=last.failed_task)
        case Busy():
            return outcome_of(work, progress, HostStatus.BUSY, _holder(last))
        case Refused():
            return outcome_of(work, progress, HostStatus.FAILED, last.reason)
        case Absent():
            return outcome_of(work, progress, HostStatus.NOT_RUN, "it was never started there")
        case Abandoned():
            where = f" in '{last.task}'" if last.task else ""
            reason = f"its runner is gone{where}, and nobody has continued it"
            return outcome_of(
                work, progress, HostStatus.UNKNOWN, reason, hint=f"edgectl runs resume {work.errand.run}"
            )
        case _:
            assert_never(last)


def _why(ended: Ended, progress: Progress) -> str:
    """Return why a host failed; of a program that only exited also its number and the last line that it said."""
    if ended.reason != _EXITED:
        return ended.reason
    result = next((task.result for task in reversed(progress.tasks) if task.name == ended.failed_task), {})
    bad = next((one for one in result.get("results", ()) if one.get("failed")), result)
    said = str(bad.get("stderr") or bad.get("stdout") or "").strip().splitlines()
    return f"{ended.reason} {bad['rc']}: {said[-1].strip()[:_LINE]}" if said and "rc" in bad else ended.reason


def _holder(busy: Busy) -> str:
    run = busy.holder.get("run", "unknown")
    by = busy.holder.get("by") or "somebody"
    task = f", in '{busy.holder['task']}'" if busy.holder.get("task") else ""
    held_s = busy.holder.get("held_s")
    since = f", for {timedelta(seconds=round(held_s))}" if isinstance(held_s, int | float) else ""
    return f"held by {by}, run {run}{task}{since}"


def faulted(work: HostWork, progress: Progress, fault: HostFault) -> HostOutcome:
    """A fault before the work began is unreachable; after it, we do not know, and say what we know."""
    if fault.kind in (FaultKind.NO_PYTHON, FaultKind.SUDO):
        return outcome_of(work, progress, HostStatus.FAILED, fault.message, hint=fault.hint)
    if not progress.started:
        away = outcome_of(work, progress, HostStatus.UNREACHABLE, fault.message, hint=fault.hint)
        return replace(away, is_final=fault.kind in FINAL)
    if isinstance(work.errand, Job) and not work.errand.changes:
        return outcome_of(work, progress, HostStatus.UNREACHABLE, f"line lost: {fault.message}")
    where = f" in '{progress.task}'" if progress.task else ""
    reason = f"line lost{where}: {fault.message}; the work may have gone on"
    if not progress.greetings:
        begun = f"it was begun before, and now: {fault.message}"
        reason = begun if work.begun else f"{fault.message}; the job may have begun"
    return outcome_of(
        work, progress, HostStatus.UNKNOWN, reason, hint=f"edgectl runs attach {work.errand.run}"
    )


def outcome_of(
    work: HostWork,
    progress: Progress,
    status: HostStatus,
    reason: str,
    *,
    failed_task: str | None = None,
    hint: str = "",
) -> HostOutcome:
    """Return an outcome with all that is known of the host."""
    return HostOutcome(
        host=work.host.name,
        pop=work.host.pop.name,
        status=status,
        reason=reason,
        failed_task=failed_task,
        tasks=tuple(progress.tasks),
        hint=hint,
    )
