"""A whole run: its stages one after the other, and an outcome for every host that was planned."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgectl.clock import Clock
from edgectl.engine.account import Account
from edgectl.engine.domains import domains_of
from edgectl.engine.events import RunEnded, RunStarted
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.policy import Rollout
from edgectl.engine.ports import HostPool, HostWork, Observer
from edgectl.engine.records import Manifest
from edgectl.engine.rules import Rules
from edgectl.engine.schedule import Schedule, Setting
from edgectl.engine.stage_run import StageRun
from edgectl.inventory.model import Host


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: decided in full before the first connection.

    Stages follow one another; a host that did not end well in one is left out of the next. `ended` are hosts
    that an earlier try of this run brought to their outcome: they are not run again, and count as before.
    `gpus` has the GPUs of a host by the name of its hardware, `out` the hosts that are out of service
    already, `last` those that are started after all others. Nothing starts after `deadline_s` seconds, and what
    still runs is left to itself; where the run is to `converge`, hosts that are away are tried again until then.
    """

    run: str
    command: str
    stages: Sequence[Sequence[HostWork]]
    rollout: Rollout = field(default_factory=Rollout)
    started_by: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    ended: Mapping[str, HostOutcome] = field(default_factory=dict)
    gpus: Mapping[str, int] = field(default_factory=dict)
    out: Sequence[Host] = ()
    last: Collection[str] = ()
    deadline_s: float | None = None
    converge: bool = False
    manifest: Manifest | None = None

    def hosts(self) -> tuple[Host, ...]:
        """Return every host of the run, once, in order."""
        return tuple({work.host.name: work.host for stage in self.stages for work in stage}.values())


class Executor:
    """Carries plans out."""

    def __init__(
        self, pool: HostPool, observers: Sequence[Observer], clock: Clock, rules: Rules | None = None
    ) -> None:
        self._pool = pool
        self._observers = observers
        self._clock = clock
        self._rules = rules or Rules()

    def execute(self, plan: Plan) -> RunOutcome:
        """Run every host of the plan that may run, and return an outcome for each that was planned.

        Raises `EdgectlError` before anything is contacted where the pool refuses the work.
        """
        for stage in plan.stages:
            self._pool.check(stage)
        began_s = self._clock.monotonic()
        until_s = began_s + (math.inf if plan.deadline_s is None else plan.deadline_s)
        account = Account(self._observers, plan.ended)
        names = [host.name for host in plan.hosts()]
        now = self._clock.now()
        account.tell(
            RunStarted(plan.run, plan.command, names, now, plan.started_by, plan.arguments, plan.manifest)
        )
        for number, stage in enumerate(plan.stages):
            if not account.stopped:
                work = _work_of(stage, account, plan, is_first=number == 0)
                schedule = Schedule([one.host for one in work.values()], self._setting(plan, account))
                stage_run = StageRun(work, schedule, account, self._clock, self._rules)
                stage_run.run(self._pool, until_s, converge=plan.converge)
        outcome = self._outcome(plan, account, self._clock.monotonic() - began_s)
        account.tell(RunEnded(outcome, self._clock.now()))
        return outcome

    def _setting(self, plan: Plan, account: Account) -> Setting:
        everyone = plan.hosts()
        return Setting(
            everyone=everyone,
            domains=domains_of(everyone, plan.rollout, plan.gpus),
            rollout=plan.rollout,
            ended=account.statuses(),
            done=frozenset(plan.ended),
            out=plan.out,
            last=plan.last,
            has_gate=self._rules.gate is not None,
        )

    def _outcome(self, plan: Plan, account: Account, seconds: float) -> RunOutcome:
        planned = Counter(work.host.name for stage in plan.stages for work in stage)
        interrupted = bool(self._rules.interrupts())
        if interrupted:
            account.stop("interrupted")
        hosts = tuple(account.outcome_of(host, planned[host.name]) for host in plan.hosts())
        undone = any(host.status is HostStatus.NOT_RUN for host in hosts)
        halted = account.is_halted and not interrupted and (undone or plan.rollout.proves_last)
        stopped = account.stopped if (undone and not interrupted) or halted else ""
        return RunOutcome(plan.run, hosts, round(seconds, 3), stopped, interrupted, halted)


def _work_of(
    stage: Sequence[HostWork], account: Account, plan: Plan, *, is_first: bool
) -> dict[str, HostWork]:
    """Return who takes part in a stage.

    In the first one that is everybody, those included who need not run again: waves are cut as they were
    when the run began.
    """
    return {
        work.host.name: work
        for work in stage
        if account.is_well(work.host.name) or (is_first and work.host.name in plan.ended)
    }
