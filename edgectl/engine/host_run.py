"""One host, from connecting to its one outcome, in visits; the only broad `except` around a host."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

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
from edgectl.engine.host_waits import Waits
from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.ports import Connector, HostWork, Session
from edgectl.remote.job import Job
from edgectl.remote.protocol import Busy, ConfirmWanted, Heartbeat, Hello, Message, Rebooting

_log = logging.getLogger(__name__)

# A login that succeeds and then says nothing, twice, is a profile that waits; a third look would hear no more.
_MOST_SILENT_LOGINS = 2

# Signs of life come every five seconds. All that is made of them is "no progress for 30 s", and each one that is told
# takes half a millisecond on its way through the processes of a run. So one in six is told, the first one included.
_TOLD_OF_BEATS = 6

Emit = Callable[[RunEvent], None]


class Line(Protocol):
    """The line that a visit holds, as whoever lends lines counts it."""

    def rest(self) -> bool:
        """Say that nothing is heard but that the host works on; return whether to stay on the line."""
        ...

    def stir(self) -> None:
        """Say that something new was heard."""
        ...


class OwnLine:
    """A line that nobody else waits for."""

    def rest(self) -> bool:
        """Stay."""
        return True

    def stir(self) -> None:
        """Go on; nobody counts."""


def run_host(work: HostWork, connector: Connector, clock: Clock, emit: Emit) -> None:
    """Carry a host's job to its outcome and emit it, waiting where there is nothing to do. Never raises."""
    run = HostRun(work, connector, clock, emit)
    while (away_s := run.visit()) is not None:
        clock.sleep(away_s)


class HostRun:
    """Carries a host's job to its outcome. Between two visits it holds no line and no thread."""

    def __init__(self, work: HostWork, connector: Connector, clock: Clock, emit: Emit) -> None:
        self._work = work
        self._connector = connector
        self._clock = clock
        self._emit = emit
        self._progress = Progress(started=work.begun)
        self._waits = Waits(work, clock)
        self._began: float | None = None
        self._beats = 0

    @property
    def host(self) -> str:
        """Return the name of the host."""
        return self._work.host.name

    def visit(self, line: Line | None = None) -> float | None:
        """Visit the host; return in how many seconds to come back, or None where its outcome was emitted.

        A host from which nothing is heard but that it works on is hung up on where the `line` may not rest.
        Never raises, and is never called again after None.
        """
        if self._began is None:
            self._began = self._clock.monotonic()
            self._emit(HostStarted(self.host, self._work.host.pop.name))
        try:
            ended = self._visited(line or OwnLine())
        except BaseException as error:  # noqa: BLE001 - a host run is one of the five broad places
            # A panic in a Rust extension is no Exception, and a thread that dies unheard would hang the run.
            ended = self._died_of(error)
        if not isinstance(ended, HostOutcome):
            return ended
        self._emit(HostEnded(replace(ended, seconds=round(self._clock.monotonic() - self._began, 3))))
        return None

    def _died_of(self, bug: BaseException) -> HostOutcome:
        _log.error("host %s: a bug in edgectl", self.host, exc_info=bug)
        status = HostStatus.UNKNOWN if self._progress.started else HostStatus.FAILED
        reason = f"a bug in edgectl: {type(bug).__name__}: {bug}"
        return outcome_of(self._work, self._progress, status, reason)

    def _visited(self, line: Line) -> HostOutcome | float:
        """Return how the host ended, or for how long to leave it alone: it is away, busy, or at work."""
        work, progress, waits = self._work, self._progress, self._waits
        fault = self._call(line)
        if fault is None:
            return waits.away_s(progress)
        if isinstance(progress.last, Busy) and waits.may_find_it_free():
            progress.last = None
        elif progress.last is not None:
            return judged(work, progress, progress.last)
        elif not _worth_coming_back(fault, progress, work, self._clock.monotonic()) or waits.are_over(
            progress
        ):
            return faulted(work, progress, fault)
        elif progress.lost_at is None and progress.down_until <= self._clock.monotonic():
            progress.lost_at = self._clock.monotonic()
            self._emit(HostLost(self.host, fault.message))
        return waits.pause_s()

    def _call(self, line: Line) -> HostFault | None:
        """Listen until the job has ended or the line is gone, and return why it went; None where we hung up."""
        progress = self._progress
        if progress.confirms is not None and self._clock.monotonic() >= progress.confirm_until:
            progress.confirms = None  # it is undone by now, and the old way in works again
        try:
            session = self._connector.connect(
                self._work.host,
                fresh=progress.confirms is not None,
                within_s=self._work.patience.connect_s,
            )
        except HostFault as fault:
            return fault
        took = session.timings
        if took is not None:
            self._emit(HostConnected(self.host, took.tcp_s, took.login_s, took.rtt_s))
        greetings = progress.greetings
        try:
            if self._listen(session, line):
                return None
        except HostFault as fault:
            is_mute = fault.kind is FaultKind.SILENT and progress.greetings == greetings
            progress.silent_logins = progress.silent_logins + 1 if is_mute else 0
            # A line that went away before the host's hello may have delivered the job all the same.
            progress.started = progress.started or fault.kind in (FaultKind.LOST, FaultKind.SILENT)
            return fault
        finally:
            session.close()
        return HostFault(FaultKind.LOST, "the host did not come back")

    def _listen(self, session: Session, line: Line) -> bool:
        """Take note of what the host says; return whether we may hang up on it, since it works on without us."""
        progress, until = self._progress, self._work.patience.until
        for message in session.run(self._work.errand, after=progress.after, confirms=progress.confirms):
            if message.seq and message.seq <= progress.after:
                continue
            self._pass_on(message)
            if progress.last is not None or isinstance(message, Rebooting | ConfirmWanted):
                return False
            if self._clock.monotonic() >= until:
                raise HostFault(FaultKind.TIMEOUT, "the run's deadline is over")
            if not isinstance(message, Heartbeat):
                line.stir()
            elif self._waits.may_leave(progress) and not line.rest():
                return True
        return False

    def _pass_on(self, message: Message) -> None:
        progress = self._progress
        if isinstance(message, Hello) and progress.lost_at is not None:
            away_s = round(self._clock.monotonic() - progress.lost_at, 1)
            self._emit(HostAttached(self.host, progress.after, away_s))
            progress.lost_at = None
        progress.after = message.seq or progress.after
        if message.seq or not isinstance(message, Heartbeat) or self._is_told():
            self._emit(HostSaid(self.host, message))
        note(progress, message, self._clock)

    def _is_told(self) -> bool:
        """Count a sign of life, and tell whether it is one that is told."""
        self._beats += 1
        return self._beats % _TOLD_OF_BEATS == 1


def _worth_coming_back(fault: HostFault, progress: Progress, work: HostWork, now: float) -> bool:
    """Coming back is for work that was begun: at a host that never was there is nothing to come back to."""
    # While a host boots, pam_nologin refuses everybody but root for a moment; and a change that must be confirmed
    # may have broken our login, until it is undone.
    is_excused = fault.kind is FaultKind.AUTH and progress.down_until > now
    is_excused = is_excused or progress.confirm_until + UNDOING_S > now
    is_asleep = progress.silent_logins >= _MOST_SILENT_LOGINS
    leaves_work = not isinstance(work.errand, Job) or work.errand.changes
    return progress.started and leaves_work and not is_asleep and (is_excused or fault.kind not in FINAL)
