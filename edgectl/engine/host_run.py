"""One host, from connecting to its one outcome; the only broad `except` around a host."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never

from edgectl.clock import Clock
from edgectl.engine.events import HostAttached, HostEnded, HostLost, HostSaid, HostStarted, RunEvent
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.ports import Connector, HostWork, Session
from edgectl.remote.protocol import (
    Abandoned,
    Absent,
    Booted,
    Busy,
    ConfirmWanted,
    Ended,
    Heartbeat,
    Hello,
    Job,
    Message,
    Rebooting,
    Refused,
    TaskEnded,
    TaskRetried,
    TaskStarted,
)

_log = logging.getLogger(__name__)

# How long we wait between two attempts to come back, or to find a host free, before jitter.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
# A login that succeeds and then says nothing, twice, is a profile that waits; a third look would hear no more.
_MOST_SILENT_LOGINS = 2
# What a host may take to undo a change that nobody confirmed.
_UNDOING_S = 30.0

Emit = Callable[[RunEvent], None]
Last = Ended | Busy | Refused | Absent | Abandoned


@dataclass(slots=True)
class _Progress:
    """What is known of a host's job so far."""

    after: int = 0
    started: bool = False  # the host said hello: the job may have begun
    task: str = ""
    lost_at: float | None = None
    greetings: int = 0
    silent_logins: int = 0
    down_until: float = 0.0  # a reboot was announced; silence is expected until then
    confirms: int | None = None  # a task waits for a fresh login
    confirm_until: float = -_UNDOING_S
    tasks: list[TaskRecord] = field(default_factory=list)
    last: Last | None = None


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
    """Visit the host until its job has ended, coming back after a lost line or a reboot, or while it is busy."""
    began = clock.monotonic()
    give_up: float | None = None
    attempt = 0
    while True:
        before = progress.after
        fault = _visit(work, connector, clock, emit, progress)
        if isinstance(progress.last, Busy) and clock.monotonic() < began + work.patience.busy_s:
            progress.last = None
        elif progress.last is not None:
            return _judged(work, progress, progress.last)
        elif not _worth_coming_back(fault, progress, work, clock.monotonic()):
            return _faulted(work, progress, fault)
        else:
            if give_up is None or progress.after > before:
                give_up = _until(clock.monotonic() + work.patience.come_back_s, progress)
                attempt = 0
            if progress.lost_at is None and progress.down_until <= clock.monotonic():
                progress.lost_at = clock.monotonic()
                emit(HostLost(work.host.name, fault.message))
            if clock.monotonic() >= min(give_up, work.patience.until):
                return _faulted(work, progress, fault)
        clock.sleep(_pause(work.host.name, attempt))
        attempt += 1


def _until(come_back: float, progress: _Progress) -> float:
    """Return when to give up: later, where the host said itself that it would be away."""
    return max(come_back, progress.down_until, progress.confirm_until + _UNDOING_S)


def _pause(host: str, attempt: int) -> float:
    """Return a pause that doubles, between half and all of it: a site's hosts must not come back as one."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt, 10))
    jitter = zlib.crc32(f"{host} {attempt}".encode()) / 0xFFFFFFFF
    return float(longest * (0.5 + jitter / 2))


# What a second attempt would only repeat, and what an account may be locked for.
_FINAL = frozenset(
    {FaultKind.HOST_KEY, FaultKind.AUTH, FaultKind.KEY_FILE, FaultKind.NO_PYTHON, FaultKind.SUDO}
)


def _worth_coming_back(fault: HostFault, progress: _Progress, work: HostWork, now: float) -> bool:
    """Coming back is for work that was begun: to a host we never reached there is nothing to come back to."""
    # While a host boots, pam_nologin refuses everybody but root for a moment; and a change that must be confirmed
    # may have broken our login, until it is undone.
    is_excused = fault.kind is FaultKind.AUTH and progress.down_until > now
    is_excused = is_excused or progress.confirm_until + _UNDOING_S > now
    is_asleep = progress.silent_logins >= _MOST_SILENT_LOGINS
    leaves_work = not isinstance(work.errand, Job) or work.errand.changes
    return progress.started and leaves_work and not is_asleep and (is_excused or fault.kind not in _FINAL)


def _visit(work: HostWork, connector: Connector, clock: Clock, emit: Emit, progress: _Progress) -> HostFault:
    """Listen until the job has ended or the line is gone, and return why it went."""
    if progress.confirms is not None and clock.monotonic() >= progress.confirm_until:
        progress.confirms = None  # it is undone by now, and the old way in works again
    try:
        session = connector.connect(work.host, fresh=progress.confirms is not None)
    except HostFault as fault:
        return fault
    greetings = progress.greetings
    try:
        _listen(session, work, clock, emit, progress)
    except HostFault as fault:
        is_mute = fault.kind is FaultKind.SILENT and progress.greetings == greetings
        progress.silent_logins = progress.silent_logins + 1 if is_mute else 0
        # A line that went away before the host's hello may have delivered the job all the same.
        progress.started = progress.started or fault.kind in (FaultKind.LOST, FaultKind.SILENT)
        return fault
    finally:
        session.close()
    return HostFault(FaultKind.LOST, "the host did not come back")


def _listen(session: Session, work: HostWork, clock: Clock, emit: Emit, progress: _Progress) -> None:
    for message in session.run(work.errand, after=progress.after, confirms=progress.confirms):
        if message.seq and message.seq <= progress.after:
            continue
        if isinstance(message, Hello) and progress.lost_at is not None:
            emit(HostAttached(work.host.name, progress.after, round(clock.monotonic() - progress.lost_at, 1)))
            progress.lost_at = None
        progress.after = message.seq or progress.after
        emit(HostSaid(work.host.name, message))
        _note(progress, message, clock)
        if progress.last is not None or isinstance(message, Rebooting | ConfirmWanted):
            return
        if clock.monotonic() >= work.patience.until:
            raise HostFault(FaultKind.TIMEOUT, "the run's deadline is over")


def _note(progress: _Progress, message: Message, clock: Clock) -> None:
    if message.seq:
        progress.down_until, progress.confirms = 0.0, None
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


def _judged(work: HostWork, progress: _Progress, last: Last) -> HostOutcome:
    match last:
        case Ended():
            status = HostStatus(last.status)
            return _outcome(work, progress, status, last.reason, failed_task=last.failed_task)
        case Busy():
            return _outcome(work, progress, HostStatus.BUSY, _holder(last))
        case Refused():
            return _outcome(work, progress, HostStatus.FAILED, last.reason)
        case Absent():
            return _outcome(work, progress, HostStatus.NOT_RUN, "it was never started there")
        case Abandoned():
            where = f" in '{last.task}'" if last.task else ""
            reason = f"its runner is gone{where}, and nobody has continued it"
            return _outcome(
                work, progress, HostStatus.UNKNOWN, reason, hint=f"edgectl runs resume {work.errand.run}"
            )
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
    if isinstance(work.errand, Job) and not work.errand.changes:
        return _outcome(work, progress, HostStatus.UNREACHABLE, f"line lost: {fault.message}")
    where = f" in '{progress.task}'" if progress.task else ""
    said = f"{fault.message}; the job may have begun" if not progress.greetings else ""
    reason = said or f"line lost{where}: {fault.message}; the work may have gone on"
    return _outcome(work, progress, HostStatus.UNKNOWN, reason, hint=f"edgectl runs attach {work.errand.run}")


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
