"""One stage of a run: the schedule is asked, the pool works, and hosts that are away are tried again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from edgectl.clock import Clock
from edgectl.engine.account import Account
from edgectl.engine.deferral import may_pass, pause_s
from edgectl.engine.events import HostDeferred, HostEnded, RunEvent, RunWaits, WaveStarted
from edgectl.engine.outcome import HostOutcome
from edgectl.engine.ports import HostPool, HostWork, Pause
from edgectl.engine.rules import Rules
from edgectl.engine.schedule import Begin, Done, Moment, Prove, Schedule, Start, Stop, Wait
from edgectl.inventory.model import Host

# An interrupt is heard within this time.
_NAP_S = 1.0


class StageRun:
    """Follows a schedule to its end. `until_s` is the run's deadline by the monotonic clock.

    With `converge`, hosts that ended in a way that may pass have no outcome before the deadline.
    """

    def __init__(
        self,
        work: Mapping[str, HostWork],
        schedule: Schedule,
        account: Account,
        clock: Clock,
        rules: Rules,
    ) -> None:
        self._work = work
        self._schedule = schedule
        self._account = account
        self._clock = clock
        self._rules = rules
        self._until_s = math.inf
        self._converges = False
        self._running: set[str] = set()
        self._deferred: dict[str, HostOutcome] = {}
        self._attempts: Counter[str] = Counter()
        self._to_prove: Prove | None = None
        self._waits_for = ""

    def run(self, pool: HostPool, until_s: float, *, converge: bool) -> None:
        """Bring every host to its outcome that may start; the pool is empty while a gate is asked."""
        self._until_s, self._converges = until_s, converge
        pool.run(self._next_work, self._hear, hosts=len(self._work))
        while self._to_prove is not None:
            self._pass_gate(self._to_prove)
            pool.run(self._next_work, self._hear, hosts=len(self._work))
        for outcome in self._deferred.values():
            self._account.end(outcome)

    def _next_work(self) -> HostWork | Pause | None:
        self._to_prove = None
        while not self._is_stopped():
            answer = self._schedule.next(Moment(self._clock.now(), self._clock.monotonic()))
            match answer:
                case Begin():
                    self._account.tell(WaveStarted(answer.number, answer.of, answer.hosts, answer.canary))
                case Start():
                    return self._start(answer.host)
                case Wait():
                    return self._pause(answer)
                case Stop():
                    self._account.halt(answer.reason)
                case Prove():
                    self._to_prove = answer
                    return None
                case Done():
                    return None
                case _:
                    assert_never(answer)
        return None

    def _is_stopped(self) -> bool:
        """Tell whether no new host may start, whatever the schedule says."""
        if self._rules.interrupts():
            self._account.stop("interrupted")
        elif self._clock.monotonic() >= self._until_s:
            self._account.stop("the run's deadline is over")
        return bool(self._account.stopped)

    def _start(self, host: Host) -> HostWork | None:
        frozen = self._rules.frozen()
        if frozen:
            self._account.stop(frozen)
            return None
        self._schedule.started(host.name)
        self._deferred.pop(host.name, None)
        self._running.add(host.name)
        self._waits_for = ""
        work = self._work[host.name]
        return replace(work, patience=replace(work.patience, until=self._until_s))

    def _pause(self, wait: Wait) -> Pause | None:
        """Wait in naps short enough to hear an interrupt; not at all for what comes after the deadline."""
        seconds = math.inf if wait.seconds is None else wait.seconds
        if not self._running:
            if self._clock.monotonic() + seconds >= self._until_s:
                self._account.stop(f"the run's deadline comes first: {wait.reason}")
                return None
            if wait.reason != self._waits_for and seconds > _NAP_S:
                self._account.tell(RunWaits(wait.reason, seconds))
            self._waits_for = wait.reason
        return Pause(min(seconds, _NAP_S))

    def _hear(self, event: RunEvent) -> None:
        if not isinstance(event, HostEnded):
            self._account.tell(event)
            return
        outcome = self._rules.judged(event.outcome)
        self._running.discard(outcome.host)
        self._attempts[outcome.host] += 1
        again_s = self._again_s(outcome)
        if again_s is None:
            self._schedule.ended(outcome.host, outcome.status)
            self._account.end(outcome)
            return
        self._deferred[outcome.host] = outcome
        self._schedule.deferred(outcome.host, outcome.status, self._clock.monotonic() + again_s)
        self._account.tell(HostDeferred(outcome.host, outcome.status, outcome.reason, again_s))

    def _again_s(self, outcome: HostOutcome) -> float | None:
        """Return in how many seconds a host is tried again, or None where this is its outcome."""
        if not self._converges or self._is_stopped() or not may_pass(outcome):
            return None
        left_s = self._until_s - self._clock.monotonic()
        return pause_s(self._attempts[outcome.host], left_s, self._rules.chance())

    def _pass_gate(self, prove: Prove) -> None:
        reason = self._rules.gate(prove.hosts) if self._rules.gate else ""
        if reason:
            self._account.halt(f"the gate behind wave {prove.number} did not pass: {reason}")
        else:
            self._schedule.proved()
