"""A whole run: waves, budgets, interruption and observers around `host_run`."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from edgectl.clock import Clock
from edgectl.engine.budgets import reason_to_stop
from edgectl.engine.events import HostEnded, RunEnded, RunEvent, RunStarted, RunStopped, WaveStarted
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, joined
from edgectl.engine.ports import HostPool, HostWork, Observer
from edgectl.engine.records import Manifest
from edgectl.engine.waves import Rollout, Wave, waves_of
from edgectl.inventory.model import Host
from edgectl.remote.protocol import Job

_log = logging.getLogger(__name__)

_NAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: decided in full before the first connection.

    Stages follow one another; a host that did not end well in one is left out of the next.
    """

    run: str
    command: str
    stages: Sequence[Sequence[HostWork]]
    rollout: Rollout = field(default_factory=Rollout)
    started_by: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    manifest: Manifest | None = None
    ended: Mapping[str, HostOutcome] = field(default_factory=dict)  # on record from before; not contacted

    def hosts(self) -> tuple[Host, ...]:
        """Return every host of the run, once, in order."""
        return tuple({work.host.name: work.host for stage in self.stages for work in stage}.values())


Judge = Callable[[HostOutcome], HostOutcome]


def as_it_ended(outcome: HostOutcome) -> HostOutcome:
    """Judge nothing."""
    return outcome


class Executor:
    """Carries a plan out, once. `judged` has the last word on how a host ended, before anybody hears of it."""

    def __init__(
        self,
        pool: HostPool,
        observers: Sequence[Observer],
        clock: Clock,
        interrupts: Callable[[], int] = lambda: 0,
        judged: Judge = as_it_ended,
        frozen: Callable[[], str] = lambda: "",
    ) -> None:
        self._pool = pool
        self._observers = observers
        self._clock = clock
        self._interrupts = interrupts
        self._judged = judged
        self._frozen = frozen
        self._outcomes: dict[str, HostOutcome] = {}
        self._stages_ended: Counter[str] = Counter()
        self._stopped = ""

    def execute(self, plan: Plan) -> RunOutcome:
        """Run every host of the plan that may run, and return an outcome for each that was planned."""
        began = self._clock.monotonic()
        names = [host.name for host in plan.hosts()]
        self._tell(
            RunStarted(
                plan.run, plan.command, names, self._now(), plan.started_by, plan.arguments, plan.manifest
            )
        )
        for stage in plan.stages:
            self._run_stage(stage, plan)
        outcome = self._outcome(plan, self._clock.monotonic() - began)
        self._tell(RunEnded(outcome, self._now()))
        return outcome

    def _run_stage(self, stage: Sequence[HostWork], plan: Plan) -> None:
        jobs = {
            work.host.name: work.job
            for work in stage
            if self._is_well(work.host.name) and work.host.name not in plan.ended
        }
        hosts = [work.host for work in stage if work.host.name in jobs]
        waves = waves_of(hosts, plan.rollout)
        for number, wave in enumerate(waves, start=1):
            self._consider_stopping(plan)
            if self._stopped:
                return
            self._tell(WaveStarted(number, len(waves), len(wave.hosts), wave.canary))
            self._pool.run(self._admitted(wave, jobs, plan), self._tell)
            self._heed_canary(wave)
            self._soak(plan, is_last=number == len(waves))

    def _heed_canary(self, wave: Wave) -> None:
        """A canary that did not end well stops the run, whatever the budgets bear."""
        ill = [host.name for host in wave.hosts if wave.canary and not self._is_well(host.name)]
        if ill and not self._stopped:
            self._stop(f"the canary {ill[0]} ended as {self._outcomes[ill[0]].status}")

    def _is_well(self, host: str) -> bool:
        before = self._outcomes.get(host)
        return before is None or before.status in (HostStatus.OK, HostStatus.CHANGED)

    def _admitted(self, wave: Wave, jobs: Mapping[str, Job], plan: Plan) -> Iterator[HostWork]:
        """Yield the wave's hosts for as long as nothing speaks against starting another one."""
        for host in wave.hosts:
            self._consider_stopping(plan)
            if self._stopped:
                return
            yield HostWork(host, jobs[host.name])

    def _consider_stopping(self, plan: Plan) -> None:
        if self._stopped:
            return
        counts = Counter(outcome.status for outcome in self._outcomes.values())
        interrupted = "interrupted" if self._interrupts() else ""
        reason = interrupted or self._frozen() or reason_to_stop(counts, len(plan.hosts()), plan.rollout)
        if reason:
            self._stop(reason)

    def _stop(self, reason: str) -> None:
        self._stopped = reason
        self._tell(RunStopped(reason))

    def _soak(self, plan: Plan, *, is_last: bool) -> None:
        """Let a wave prove itself, in naps short enough to hear an interrupt."""
        if is_last:
            return
        self._consider_stopping(plan)
        until = self._clock.monotonic() + plan.rollout.soak_s
        while not self._stopped and (left_s := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left_s, _NAP_S))
            self._consider_stopping(plan)

    def _tell(self, event: RunEvent) -> None:
        if isinstance(event, HostEnded):
            event = HostEnded(self._judged(event.outcome))
            before = self._outcomes.get(event.outcome.host)
            self._stages_ended[event.outcome.host] += 1
            self._outcomes[event.outcome.host] = joined(before, event.outcome) if before else event.outcome
        for observer in self._observers:
            try:
                observer.on_event(event)
            except Exception:  # noqa: BLE001 - an observer is one of the five broad places
                # A broken progress bar or a full disk must not stop a fleet half-way.
                _log.exception("an observer failed")

    def _outcome(self, plan: Plan, seconds: float) -> RunOutcome:
        self._consider_stopping(plan)
        planned = Counter(work.host.name for stage in plan.stages for work in stage)
        hosts = tuple(self._outcome_of(host, planned[host.name], plan.ended) for host in plan.hosts())
        undone = any(host.status is HostStatus.NOT_RUN for host in hosts)
        interrupted = bool(self._interrupts())
        stopped = self._stopped if undone and not interrupted else ""
        return RunOutcome(plan.run, hosts, round(seconds, 3), stopped, interrupted)

    def _outcome_of(self, host: Host, stages: int, ended_before: Mapping[str, HostOutcome]) -> HostOutcome:
        """Return how a host ended; one that did well but not all of its stages did not run to its end."""
        reason = f"not started: {self._stopped}" if self._stopped else "not started"
        if host.name in ended_before:
            return ended_before[host.name]
        ended = self._outcomes.get(host.name)
        if ended is None:
            return HostOutcome(host.name, host.pop.name, HostStatus.NOT_RUN, reason)
        if self._is_well(host.name) and self._stages_ended[host.name] < stages:
            so_far = f"{reason}; its earlier plays ended as {ended.status}"
            return replace(ended, status=HostStatus.NOT_RUN, reason=so_far)
        return ended

    def _now(self) -> datetime:
        return self._clock.now()
