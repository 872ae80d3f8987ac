"""The shared spine: a playbook compiled for hosts, carried out, and told as a report."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from edgectl.engine.contacts import Contact, connect_limit_s
from edgectl.engine.executor import Executor, Plan
from edgectl.engine.keeping import Keeper, count_shortened, share_bytes
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, TaskStatus, exit_code
from edgectl.engine.policy import Rollout
from edgectl.engine.ports import HostWork, Patience
from edgectl.engine.rules import Judge, PassGate, Rules, as_it_ended, never
from edgectl.errors import ExitCode, InputError, Place, Problem
from edgectl.ids import run_id
from edgectl.inventory.model import Host
from edgectl.inventory.pattern import select
from edgectl.ops.clusters.comparison import Comparison
from edgectl.ops.continuing import Begun, continuation, manifest_of
from edgectl.ops.halts import halting, refuse_frozen
from edgectl.ops.policy import playbook_policy, weighed
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.jobs import Compiler, Stage, stages
from edgectl.playbook.model import Playbook, PlaySpec
from edgectl.playbook.starting import starting_at
from edgectl.report import Check, HostEntry, Line, Metric, Report, Table, Tone

Data = Callable[[HostOutcome], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that could start now: everything is checked, nothing is contacted."""

    plan: Plan
    started: datetime
    playbook: Playbook
    begun: Begun = field(default_factory=Begun)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a run may start hosts and tries those that are away, and how long it waits for a busy one."""

    deadline_s: float | None = None
    converge: bool = False
    busy_s: float = 0.0

    def patience(self) -> Patience:
        """Return for how long each host is waited for: a lost line until the deadline, where there is one."""
        until_deadline = self.deadline_s is not None and not self.converge
        come_back_s = math.inf if until_deadline else Patience().come_back_s
        return Patience(come_back_s, self.busy_s)


NO_DEADLINE = Pace()


@dataclass(frozen=True, slots=True)
class Request:
    """What an operator asked for, beside the playbook itself."""

    command: str
    select: str | None = None
    limit: str | None = None
    options: Options = field(default_factory=Options)
    host_vars: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    carried: Mapping[str, bytes] = field(default_factory=dict)  # by name: files that travel with every job
    policy: Rollout | None = None  # in place of the playbook's own rollout
    policy_place: Place | None = None  # where it was written
    pace: Pace = NO_DEADLINE
    last: frozenset[str] = (
        frozenset()
    )  # hosts in trouble a moment ago: started after all others, never the canary


def prepare(services: Services, playbook: Playbook, request: Request) -> Prepared:
    """Compile every job of a run, before anything is contacted.

    Raises `InputError` with all complaints, or `StoppedError` where the fleet is frozen.
    """
    started = services.clock.now()
    run = services.resuming or run_id(started, services.random_bytes)
    work = compiled(services, playbook, request, run, _secrets(services, playbook))
    contacts = services.contacts.known({one.host.name for stage in work for one in stage})
    work = tuple(tuple(_as_patient(one, contacts) for one in stage) for stage in work)
    manifest = manifest_of(services, playbook, work, check=request.options.check)
    if manifest.changes:
        refuse_frozen(services)
    going_on = continuation(services, work, manifest)
    policy, place = _policy(playbook, request)
    plan = Plan(
        run=run,
        command=request.command,
        stages=going_on.stages,
        rollout=policy,
        started_by=services.started_by,
        arguments=request.arguments,
        last=request.last,
        deadline_s=request.pace.deadline_s,
        converge=request.pace.converge,
        manifest=going_on.manifest,
        ended=going_on.ended,
    )
    return Prepared(weighed(services, plan, place), started, playbook, going_on.begun)


def compiled(
    services: Services, playbook: Playbook, request: Request, run: str, secrets: Mapping[str, str]
) -> tuple[tuple[HostWork, ...], ...]:
    """Return every host's job, stage by stage. Raises `InputError` with all complaints."""
    playbook = starting_at(playbook, request.options.start_at)
    compiler = Compiler(
        playbook=playbook,
        run=run,
        options=request.options,
        secrets=secrets,
        groups=_members(services),
        started_by=services.started_by,
        carried=request.carried,
    )
    plays = _targets(services, playbook, request)
    return tuple(tuple(_compiled(compiler, stage, hosts, request)) for stage, hosts in stages(plays))


def _policy(playbook: Playbook, request: Request) -> tuple[Rollout, Place | None]:
    """Return what a run keeps to, and where that was written; a check takes no host out of service."""
    if request.options.check:
        return Rollout(), None
    return (request.policy, request.policy_place) if request.policy else playbook_policy(playbook)


def carry_out(
    services: Services,
    prepared: Prepared,
    judged: Judge = as_it_ended,
    gate: PassGate | None = None,
    called_off: Callable[[], str] = never,
) -> RunOutcome:
    """Run what was prepared; `judged` has the last word on how each host ended, `gate` on each wave.

    Where `called_off` says why, no further host is started.
    """
    plan, begun, keeper = prepared.plan, prepared.begun, Keeper(len(prepared.plan.hosts()))
    changes = plan.manifest is not None and plan.manifest.changes
    rules = Rules(
        interrupts=services.interrupts,
        judged=lambda outcome: keeper.kept(judged(begun.judged(outcome))),
        gate=gate,
        frozen=_first_of(called_off, halting(services, plan.run)) if changes else called_off,
        chance=lambda: int.from_bytes(services.random_bytes(4), "big") / 2**32,
    )
    return begun.whole(Executor(services.pool, services.observers, services.clock, rules).execute(plan))


def _first_of(*reasons: Callable[[], str]) -> Callable[[], str]:
    return lambda: next((said for reason in reasons if (said := reason())), "")


def rollout(services: Services, playbook: Playbook, request: Request) -> tuple[Prepared, RunOutcome]:
    """Prepare a run and carry it out."""
    prepared = prepare(services, playbook, request)
    return prepared, carry_out(services, prepared)


def _targets(
    services: Services, playbook: Playbook, request: Request
) -> list[tuple[PlaySpec, Sequence[Host]]]:
    """Return the plays with their hosts; one that the selection leaves without any is skipped."""
    plays = [(play, _hosts_of(services, play, request)) for play in playbook.plays]
    if not any(hosts for _, hosts in plays):
        asked = " and ".join(f"'{pattern}'" for pattern in (request.select, request.limit) if pattern)
        named = " and ".join(f"'{play.hosts}'" for play in playbook.plays)
        message = f"no host is both in {asked} and in what the playbook is for: {named}"
        raise InputError([Problem(message, playbook.plays[0].place)], hint="edgectl inventory list PATTERN")
    return [(play, hosts) for play, hosts in plays if hosts]


def troubled(outcome: RunOutcome) -> frozenset[str]:
    """Return the hosts that did not end well in a check run, for `Request.last` of the run that follows it."""
    return frozenset(host.host for host in outcome.hosts) - {host.host for host in outcome.finished()}


def _hosts_of(services: Services, play: PlaySpec, request: Request) -> Sequence[Host]:
    try:
        hosts = select(services.fleet, play.hosts)
    except InputError as error:
        placed = [Problem(problem.message, problem.place or play.place) for problem in error.problems]
        raise InputError(placed, hint=error.hint) from None
    if request.select is None and request.limit is None:
        return hosts
    limits = [pattern for pattern in (request.select, request.limit) if pattern is not None]
    wanted = [{host.name for host in select(services.fleet, pattern)} for pattern in limits]
    return tuple(host for host in hosts if all(host.name in names for names in wanted))


def _compiled(
    compiler: Compiler, stage: Stage, hosts: Sequence[Host], request: Request
) -> Sequence[HostWork]:
    """Compile every host's job and report each distinct complaint once."""
    problems: dict[str, Problem] = {}
    work: list[HostWork] = []
    patience = request.pace.patience()
    for host in hosts:
        try:
            job = compiler.job(host, stage, request.host_vars.get(host.name, {}))
            work.append(HostWork(host, job, patience))
        except InputError as error:
            problems.update({str(problem): problem for problem in error.problems})
    if problems:
        raise InputError(list(problems.values()))
    return work


def _as_patient(work: HostWork, contacts: Mapping[str, Contact]) -> HostWork:
    """Return the work with as much patience for the host's connection as its history says."""
    limit_s = connect_limit_s(contacts.get(work.host.name))
    return replace(work, patience=replace(work.patience, connect_s=limit_s))


def _secrets(services: Services, playbook: Playbook) -> dict[str, str]:
    wanted = {name: provider for play in playbook.plays for name, provider in play.secrets.items()}
    return {name: services.secrets.value(name, provider) for name, provider in wanted.items()}


def _members(services: Services) -> Mapping[str, Sequence[str]]:
    """Return the members of each group, as the variable `groups` has them."""
    members: dict[str, list[str]] = {name: [] for name in services.fleet.groups}
    for name, kind in services.fleet.kinds.items():
        for group in kind.groups:
            members[group].append(name)
    return {**members, "all": list(services.fleet.kinds)}


def run_report(
    prepared: Prepared,
    outcome: RunOutcome,
    *,
    data: Data = lambda _host: {},
    body: Sequence[Line | Table] = (),
    metrics: Sequence[Metric] = (),
    code: ExitCode | None = None,
) -> Report:
    """Tell a run; what is particular to a command comes in as `data`, `body` and `metrics`."""
    shortened = count_shortened(outcome.hosts)
    return Report(
        command=prepared.plan.command,
        run=outcome.run,
        started=prepared.started,
        seconds=outcome.seconds,
        exit_code=exit_code(outcome) if code is None else code,
        hosts=tuple(host_entry(host, data(host)) for host in outcome.hosts),
        data=_shortened_data(len(outcome.hosts), shortened),
        body=[*body, *_shortened_lines(len(outcome.hosts), shortened)],
        checks=tuple(check for host in outcome.hosts for check in _checks(host)),
        metrics=(*metrics, *_run_metrics(prepared, outcome)),
    )


def compared(prepared: Prepared, outcome: RunOutcome) -> Comparison:
    """Return the hosts of a run side by side, to ask what those that failed alike have in common."""
    return Comparison(prepared.plan.hosts(), outcome.hosts)


def with_clusters(report: Report, found: Sequence[Mapping[str, Any]]) -> Report:
    """Return the report with what hosts that failed alike have in common, as its `data.clusters`."""
    return replace(report, data={**report.data, "clusters": list(found)})


def _shortened_data(hosts: int, shortened: int) -> dict[str, Any]:
    if not shortened:
        return {}
    return {"output": {"shortened_hosts": shortened, "kept_bytes_per_host": share_bytes(hosts)}}


def _shortened_lines(hosts: int, shortened: int) -> list[Line]:
    if not shortened:
        return []
    share = f"{share_bytes(hosts) / 1024:,.0f} KiB"
    said = f"  output of {shortened:,} hosts is shortened to {share} each; as it happens: -o jsonl"
    return [Line(f"{said}; what even that leaves out lies at the host, where its text says", Tone.QUIET)]


def host_entry(host: HostOutcome, data: Mapping[str, Any]) -> HostEntry:
    """Return a host as the report has it."""
    tasks = [
        {
            "name": task.name,
            "module": task.module,
            "status": task.status.value,
            "seconds": task.seconds,
            "result": task.result,
        }
        for task in host.tasks
    ]
    return HostEntry(
        host.host, host.pop, host.status.value, host.reason, host.failed_task, host.seconds, tasks, data
    )


_CHECK_WORDS = {
    TaskStatus.OK: "ok",
    TaskStatus.CHANGED: "ok",
    TaskStatus.IGNORED: "ok",
    TaskStatus.RESCUED: "ok",
    TaskStatus.FAILED: "failed",
    TaskStatus.SKIPPED: "skipped",
}


def _checks(host: HostOutcome) -> Sequence[Check]:
    checks = [
        Check(task.name, host.host, _CHECK_WORDS[task.status], str(task.result.get("msg", "")), task.seconds)
        for task in host.tasks
    ]
    if host.status in (HostStatus.UNREACHABLE, HostStatus.UNKNOWN, HostStatus.BUSY, HostStatus.NOT_RUN):
        checks.append(Check("host", host.host, "unknown", f"{host.status}: {host.reason}"))
    return checks or [Check("host", host.host, "ok")]


def _run_metrics(prepared: Prepared, outcome: RunOutcome) -> Sequence[Metric]:
    name, said = "edgectl_run_hosts", "Hosts of the last run by how they ended."
    command = prepared.plan.command
    hosts = [
        Metric(name, said, outcome.counts[status], {"command": command, "status": status.value})
        for status in HostStatus
    ]
    finished = prepared.started.timestamp() + outcome.seconds
    return [
        *hosts,
        Metric("edgectl_run_seconds", "How long the last run took.", outcome.seconds, {"command": command}),
        Metric("edgectl_run_end_timestamp_seconds", "When it ended.", finished, {"command": command}),
    ]
