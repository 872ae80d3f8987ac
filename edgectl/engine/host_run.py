"""One host, from connecting to its one outcome; the only broad `except` around a host."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never

from edgectl.clock import Clock
from edgectl.engine.events import HostEnded, HostLost, HostSaid, HostStarted, RunEvent
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.ports import Connector, HostWork
from edgectl.remote.protocol import (
    Busy,
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

_log = logging.getLogger(__name__)

# How long we try to come back to a host whose line was lost, and how long we wait between attempts.
COME_BACK_S = 120.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

Emit = Callable[[RunEvent], None]


@dataclass(slots=True)
class _Progress:
    """What is known of a host's job so far."""

    after: int = 0
    started: bool = False  # the host said hello: the job may have begun
    task: str = ""
    down_until: float = 0.0  # a reboot was announced; silence is expected until then
    tasks: list[TaskRecord] = field(default_factory=list)
    last: Ended | Busy | Refused | None = None


def run_host(work: HostWork, connector: Connector, clock: Clock, emit: Emit) -> None:
    """Carry a host's job to its outcome and emit it. Never raises."""
    began = clock.monotonic()
    emit(HostStarted(work.host.name))
    progress = _Progress()
    try:
        outcome = _carry_out(work, connector, clock, emit, progress)
    except BaseException as error:  # noqa: BLE001 - a host run is one of the five broad places
        # A panic in a Rust extension is no Exception, and a thread that dies unheard would hang the run.
        _log.exception("host %s: a bug in edgectl", work.host.name)
        reason = f"a bug in edgectl: {type(error).__name__}: {error}"
        outcome = _outcome(
            work, progress, HostStatus.UNKNOWN if progress.started else HostStatus.FAILED, reason
        )
    seconds = round(clock.monotonic() - began, 3)
    emit(HostEnded(replace(outcome, seconds=seconds)))


def _carry_out(
    work: HostWork, connector: Connector, clock: Clock, emit: Emit, progress: _Progress
) -> HostOutcome:
    """Attach until the job has ended, coming back after a lost line or a reboot."""
    give_up: float | None = None
    pause = FIRST_PAUSE_S
    while True:
        before = progress.after
        fault = _attach(work, connector, clock, emit, progress)
        if progress.last is not None:
            return _judged(work, progress, progress.last)
        if not _worth_coming_back(fault, progress, work):
            return _faulted(work, progress, fault)
        if give_up is None or progress.after > before:
            give_up = max(clock.monotonic() + COME_BACK_S, progress.down_until)
            pause = FIRST_PAUSE_S
            if not progress.down_until:
                emit(HostLost(work.host.name, fault.message))
        if clock.monotonic() >= give_up:
            return _faulted(work, progress, fault)
        clock.sleep(pause)
        pause = min(LONGEST_PAUSE_S, pause * 2)


# What a second attempt would only repeat, and what an account may be locked for.
_FINAL = frozenset(
    {FaultKind.HOST_KEY, FaultKind.AUTH, FaultKind.KEY_FILE, FaultKind.NO_PYTHON, FaultKind.SUDO}
)


def _worth_coming_back(fault: HostFault, progress: _Progress, work: HostWork) -> bool:
    """Coming back is for work that was begun: to a host we never reached there is nothing to come back to."""
    # While a host boots, pam_nologin refuses everybody but root for a moment.
    is_booting = fault.kind is FaultKind.AUTH and progress.down_until > 0
    return progress.started and work.job.changes and (is_booting or fault.kind not in _FINAL)


def _attach(work: HostWork, connector: Connector, clock: Clock, emit: Emit, progress: _Progress) -> HostFault:
    """Listen until the job has ended or the line is gone, and return why it went."""
    try:
        session = connector.connect(work.host)
    except HostFault as fault:
        return fault
    try:
        for message in session.run(work.job, after=progress.after):
            if message.seq and message.seq <= progress.after:
                continue
            progress.after = message.seq or progress.after
            emit(HostSaid(work.host.name, message))
            _note(progress, message, clock)
            if progress.last is not None or isinstance(message, Rebooting):
                break
    except HostFault as fault:
        # A line that went away before the host's hello may have delivered the job all the same.
        progress.started = progress.started or fault.kind is FaultKind.LOST
        return fault
    finally:
        session.close()
    return HostFault(FaultKind.LOST, "the host did not come back")


def _note(progress: _Progress, message: Message, clock: Clock) -> None:
    if message.seq:
        progress.down_until = 0.0
    match message:
        case Hello():
            progress.started = True
        case TaskStarted():
            progress.task = message.name
        case TaskEnded():
            status = TaskStatus(message.status)
            record = TaskRecord(message.name, message.module, status, message.seconds, message.result)
            progress.tasks.append(record)
        case Rebooting():
            progress.down_until = clock.monotonic() + message.timeout_s
        case Ended() | Busy() | Refused():
            progress.last = message
        case Heartbeat() | TaskRetried():
            pass
        case _:
            assert_never(message)


def _judged(work: HostWork, progress: _Progress, last: Ended | Busy | Refused) -> HostOutcome:
    match last:
        case Ended():
            status = HostStatus(last.status)
            return _outcome(work, progress, status, last.reason, failed_task=last.failed_task)
        case Busy():
            return _outcome(work, progress, HostStatus.BUSY, _holder(last))
        case Refused():
            return _outcome(work, progress, HostStatus.FAILED, last.reason)
        case _:
            assert_never(last)


def _holder(busy: Busy) -> str:
    run = busy.holder.get("run", "unknown")
    by = busy.holder.get("by") or "somebody"
    task = f", in '{busy.holder['task']}'" if busy.holder.get("task") else ""
    held_s = busy.holder.get("held_s")
    since = f", for {timedelta(seconds=round(held_s))}" if isinstance(held_s, int | float) else ""
    return f"held by {by}, run {run}{task}{since}"


def _faulted(work: HostWork, progress: _Progress, fault: HostFault) -> HostOutcome:
    """A fault before the work began is unreachable; after it, we do not know, and say what we know."""
    if fault.kind in (FaultKind.NO_PYTHON, FaultKind.SUDO):
        return _outcome(work, progress, HostStatus.FAILED, fault.message, hint=fault.hint)
    if not progress.started:
        away = _outcome(work, progress, HostStatus.UNREACHABLE, fault.message, hint=fault.hint)
        return replace(away, is_final=fault.kind in _FINAL)
    if not work.job.changes:
        return _outcome(work, progress, HostStatus.UNREACHABLE, f"line lost: {fault.message}")
    where = f" in '{progress.task}'" if progress.task else ""
    reason = f"line lost{where}: {fault.message}; the work may have gone on"
    # The journal there is the truth (contract, section 8, says where it lies for other logins than root).
    hint = f"edgectl exec {work.host.name} -- tail -n 3 /var/lib/edgectl/runs/{work.job.id}/journal.jsonl"
    return _outcome(work, progress, HostStatus.UNKNOWN, reason, hint=hint)


def _outcome(
    work: HostWork,
    progress: _Progress,
    status: HostStatus,
    reason: str,
    *,
    failed_task: str | None = None,
    hint: str = "",
) -> HostOutcome:
    return HostOutcome(
        host=work.host.name,
        pop=work.host.pop.name,
        status=status,
        reason=reason,
        failed_task=failed_task,
        tasks=tuple(progress.tasks),
        hint=hint,
    )
