"""One host, from connecting to its one outcome; the only broad `except` around a host."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from dataclasses import replace

from edgectl.clock import Clock
from edgectl.engine.events import (
    HostAttached,
    HostConnected,
    HostEnded,
    HostLost,
    HostSaid,
    HostStarted,
    RunEvent,
)
from edgectl.engine.faults import FaultKind, HostFault
from edgectl.engine.host_progress import FINAL, UNDOING_S, Progress, faulted, judged, note, outcome_of
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.ports import Connector, HostWork, Session
from edgectl.remote.job import Job
from edgectl.remote.protocol import Busy, ConfirmWanted, Hello, Rebooting

_log = logging.getLogger(__name__)

# How long we wait between two attempts to come back, or to find a host free, before jitter.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
# A login that succeeds and then says nothing, twice, is a profile that waits; a third look would hear no more.
_MOST_SILENT_LOGINS = 2

Emit = Callable[[RunEvent], None]


def run_host(work: HostWork, connector: Connector, clock: Clock, emit: Emit) -> None:
    """Carry a host's job to its outcome and emit it. Never raises."""
    began = clock.monotonic()
    emit(HostStarted(work.host.name))
    progress = Progress(started=work.begun)
    try:
        outcome = _carry_out(work, connector, clock, emit, progress)
    except BaseException as error:  # noqa: BLE001 - a host run is one of the five broad places
        # A panic in a Rust extension is no Exception, and a thread that dies unheard would hang the run.
        _log.exception("host %s: a bug in edgectl", work.host.name)
        reason = f"a bug in edgectl: {type(error).__name__}: {error}"
        outcome = outcome_of(
            work, progress, HostStatus.UNKNOWN if progress.started else HostStatus.FAILED, reason
        )
    seconds = round(clock.monotonic() - began, 3)
    emit(HostEnded(replace(outcome, seconds=seconds)))


def _carry_out(
    work: HostWork, connector: Connector, clock: Clock, emit: Emit, progress: Progress
) -> HostOutcome:
    """Visit the host until its job has ended, coming back after a lost line or a reboot, or while it is busy."""
    waits = _Waits(work, clock)
    while True:
        fault = _visit(work, connector, clock, emit, progress)
        if isinstance(progress.last, Busy) and waits.may_find_it_free():
            progress.last = None
        elif progress.last is not None:
            return judged(work, progress, progress.last)
        elif not _worth_coming_back(fault, progress, work, clock.monotonic()) or waits.are_over(progress):
            return faulted(work, progress, fault)
        elif progress.lost_at is None and progress.down_until <= clock.monotonic():
            progress.lost_at = clock.monotonic()
            emit(HostLost(work.host.name, fault.message))
        clock.sleep(waits.pause_s())


class _Waits:
    """How long one host is still waited for, and in which steps."""

    def __init__(self, work: HostWork, clock: Clock) -> None:
        self._host = work.host.name
        self._patience = work.patience
        self._clock = clock
        self._began = clock.monotonic()
        self._heard = -1
        self._give_up = 0.0
        self._attempt = 0

    def may_find_it_free(self) -> bool:
        """Tell whether a busy host is asked again."""
        return self._clock.monotonic() < min(self._began + self._patience.busy_s, self._patience.until)

    def are_over(self, progress: Progress) -> bool:
        """Tell whether to give a lost host up. Each progress starts the time anew; a host may ask for more."""
        now = self._clock.monotonic()
        if progress.after > self._heard:
            self._heard, self._attempt = progress.after, 0
            asked_for = max(progress.down_until, progress.confirm_until + UNDOING_S)
            self._give_up = max(now + self._patience.come_back_s, asked_for)
        return now >= min(self._give_up, self._patience.until)

    def pause_s(self) -> float:
        """Return a pause that doubles, between half and all of it: a site's hosts must not come back as one."""
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._attempt, 10))
        jitter = zlib.crc32(f"{self._host} {self._attempt}".encode()) / 0xFFFFFFFF
        self._attempt += 1
        return float(longest * (0.5 + jitter / 2))


def _worth_coming_back(fault: HostFault, progress: Progress, work: HostWork, now: float) -> bool:
    """Coming back is for work that was begun: at a host that never was there is nothing to come back to."""
    # While a host boots, pam_nologin refuses everybody but root for a moment; and a change that must be confirmed
    # may have broken our login, until it is undone.
    is_excused = fault.kind is FaultKind.AUTH and progress.down_until > now
    is_excused = is_excused or progress.confirm_until + UNDOING_S > now
    is_asleep = progress.silent_logins >= _MOST_SILENT_LOGINS
    leaves_work = not isinstance(work.errand, Job) or work.errand.changes
    return progress.started and leaves_work and not is_asleep and (is_excused or fault.kind not in FINAL)


def _visit(work: HostWork, connector: Connector, clock: Clock, emit: Emit, progress: Progress) -> HostFault:
    """Listen until the job has ended or the line is gone, and return why it went."""
    if progress.confirms is not None and clock.monotonic() >= progress.confirm_until:
        progress.confirms = None  # it is undone by now, and the old way in works again
    try:
        session = connector.connect(
            work.host, fresh=progress.confirms is not None, within_s=work.patience.connect_s
        )
    except HostFault as fault:
        return fault
    took = session.timings
    if took is not None:
        emit(HostConnected(work.host.name, took.tcp_s, took.login_s, took.rtt_s))
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


def _listen(session: Session, work: HostWork, clock: Clock, emit: Emit, progress: Progress) -> None:
    for message in session.run(work.errand, after=progress.after, confirms=progress.confirms):
        if message.seq and message.seq <= progress.after:
            continue
        if isinstance(message, Hello) and progress.lost_at is not None:
            emit(HostAttached(work.host.name, progress.after, round(clock.monotonic() - progress.lost_at, 1)))
            progress.lost_at = None
        progress.after = message.seq or progress.after
        emit(HostSaid(work.host.name, message))
        note(progress, message, clock)
        if progress.last is not None or isinstance(message, Rebooting | ConfirmWanted):
            return
        if clock.monotonic() >= work.patience.until:
            raise HostFault(FaultKind.TIMEOUT, "the run's deadline is over")
