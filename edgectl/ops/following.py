"""`runs attach` and `runs cancel`: hear how begun work ends, or stop it at its hosts. Neither starts anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from edgectl.engine.executor import Executor, Plan
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome, exit_code
from edgectl.engine.ports import HostWork
from edgectl.engine.records import HostRecord, JobRecord, Manifest, PlannedJob, RunRecord
from edgectl.engine.resume import to_follow
from edgectl.engine.rules import Rules
from edgectl.errors import ExitCode, InputError
from edgectl.ids import is_run_id
from edgectl.inventory.fold import folded
from edgectl.inventory.pattern import select
from edgectl.ops.clusters.comparison import Comparison
from edgectl.ops.continuing import Begun
from edgectl.ops.rollout import host_entry
from edgectl.ops.services import Services
from edgectl.ops.told import closing, clusters, trouble
from edgectl.remote.errands import Attach, Cancel, Errand
from edgectl.remote.job import job_id
from edgectl.report import Line, Report, Tone

_LATEST = 200
_FIRST = (JobRecord(0),)  # what a run that we know nothing of did first at each of its hosts


@dataclass(frozen=True, slots=True)
class Followed:
    """A run, the hosts whose work in it we look after, and the jobs there."""

    run: str
    jobs: Mapping[str, Sequence[JobRecord]]
    records: Mapping[str, HostRecord]
    record: RunRecord | None = None  # None where its plan is not known here


def attach(services: Services, run: str | None, limit: str | None, *, become: bool = False) -> Report:
    """Follow every job whose end is not known until it ends, and write its outcome down."""
    followed = _followed(services, run, limit, become=become)

    def errand(job: JobRecord, *, is_last: bool) -> Errand:
        del is_last
        return Attach(job_id(followed.run, job.stage, job.attempt), job.become)

    outcome = _whole(services, followed, _visit(services, followed, "runs attach", errand))
    code = exit_code(outcome)
    return _report(services, "runs attach", outcome, code, _caveat(followed))


def cancel(services: Services, run: str | None, limit: str | None, *, become: bool = False) -> Report:
    """Stop a run: it begins no other host, and at begun ones every process that it started ends."""
    followed = _followed(services, run, limit, become=become)
    if limit is None:
        services.history.cancel(followed.run, services.started_by)

    def errand(job: JobRecord, *, is_last: bool) -> Errand:
        name = job_id(followed.run, job.stage, job.attempt)
        return Cancel(name, services.started_by, job.become) if is_last else Attach(name, job.become)

    visited = _visit(services, followed, "runs cancel", errand)
    unknown = any(host.status is HostStatus.UNKNOWN for host in visited.hosts)
    code = ExitCode.INTERRUPTED if visited.interrupted else ExitCode.DONE
    return _report(services, "runs cancel", visited, ExitCode.UNREACHABLE if unknown and not code else code)


def _followed(services: Services, run: str | None, limit: str | None, *, become: bool) -> Followed:
    record = _latest_open(services) if run is None else services.history.find(run)
    if record is None or (limit is not None and services.history.manifest(record.run) is None):
        return _unknown(services, record.run if record else run or "", limit, become=become)
    records = {host.outcome.host: host for host in services.history.hosts(record.run)}
    jobs = to_follow(records.values())
    if limit is not None:
        wanted = {host.name for host in select(services.fleet, limit)}
        jobs = {name: of_host for name, of_host in jobs.items() if name in wanted}
    gone = [name for name in jobs if name not in services.fleet.hosts]
    if gone:
        raise InputError(f"{folded(gone)} of run {record.run} left the inventory", hint="pass -l PATTERN")
    return Followed(record.run, jobs, records, record)


def _latest_open(services: Services) -> RunRecord:
    for record in services.history.runs(_LATEST):
        may_be_open = record.finished is None or record.counts.get(HostStatus.UNKNOWN)
        if may_be_open and any(host.is_open for host in services.history.hosts(record.run)):
            return record
    raise InputError("no run here has work whose end is not known", hint="edgectl runs list")


def _unknown(services: Services, run: str, limit: str | None, *, become: bool) -> Followed:
    """Return a run of another controller: the hosts must be named, and their journals know the rest."""
    if not is_run_id(run):
        raise InputError(f"no single run starts with '{run}'", hint="edgectl runs list")
    if limit is None:
        hint = f"name its hosts: edgectl runs attach {run} -l PATTERN"
        raise InputError(f"run {run} is not in this store; another controller began it", hint=hint)
    jobs = tuple(replace(job, become=become) for job in _FIRST)
    records = {host.outcome.host: host for host in services.history.hosts(run)}
    return Followed(run, {host.name: jobs for host in select(services.fleet, limit)}, records)


def _visit(services: Services, followed: Followed, command: str, errand: Callable[..., Errand]) -> RunOutcome:
    """Visit the hosts, one of their jobs after the other."""
    hosts = {name: services.fleet.hosts[name] for name in followed.jobs}
    deepest = max((len(jobs) for jobs in followed.jobs.values()), default=0)
    stages = [
        [
            HostWork(
                hosts[name],
                errand(jobs[number], is_last=number == len(jobs) - 1),
                begun=name in followed.records,
            )
            for name, jobs in followed.jobs.items()
            if number < len(jobs)
        ]
        for number in range(deepest)
    ]
    manifest = Manifest(
        jobs={
            name: [PlannedJob(job.stage, attempt=job.attempt, become=job.become) for job in jobs]
            for name, jobs in followed.jobs.items()
        },
        pops={name: host.pop.name for name, host in hosts.items()},
        zones={host.pop.name: host.pop.tz for host in hosts.values()},
        journaled=True,
        observes=True,
    )
    begun = Begun(followed.records)
    plan = Plan(followed.run, command, stages, started_by=services.started_by, manifest=manifest)
    rules = Rules(interrupts=services.interrupts, judged=begun.judged)
    return begun.whole(Executor(services.pool, services.observers, services.clock, rules).execute(plan))


def _whole(services: Services, followed: Followed, visited: RunOutcome) -> RunOutcome:
    """Return how the whole run stands: its hosts that ended before, and those that were never begun, included."""
    if followed.record is None:
        return visited
    records = services.history.hosts(followed.run)
    manifest = services.history.manifest(followed.run)
    hosts = {host.outcome.host: host.outcome for host in records}
    hosts |= {host.host: host for host in visited.hosts if host.host not in hosts}
    reason = "not started: no end of the run is on record"
    for name in manifest.jobs if manifest else ():
        pop = services.fleet.hosts[name].pop.name if name in services.fleet.hosts else ""
        hosts.setdefault(name, HostOutcome(name, pop, HostStatus.NOT_RUN, reason))
    undone = any(host.status is HostStatus.NOT_RUN for host in hosts.values())
    stopped = f"not every host did its work: edgectl runs resume {followed.run}" if undone else ""
    return replace(visited, hosts=tuple(hosts[name] for name in sorted(hosts)), stopped=stopped)


def _caveat(followed: Followed) -> list[Line]:
    """Return what an operator must know of a run whose plan we do not: there may be more to it."""
    if followed.record is not None:
        return []
    rest = f"edgectl run PLAYBOOK SELECT --resume {followed.run}"
    return [Line(f"only the first plays of each host are told; for the rest: {rest}", Tone.NOTICE)]


def _report(
    services: Services, command: str, outcome: RunOutcome, code: ExitCode, notes: Sequence[Line] = ()
) -> Report:
    nothing = [] if outcome.hosts else [Line("no work whose end is not known")]
    known = [services.fleet.hosts[host.host] for host in outcome.hosts if host.host in services.fleet.hosts]
    comparison = Comparison(known, outcome.hosts)
    return Report(
        command=command,
        started=services.clock.now(),
        seconds=outcome.seconds,
        exit_code=code,
        run=outcome.run,
        hosts=tuple(host_entry(host, {}) for host in outcome.hosts),
        body=[*nothing, *notes, *trouble(outcome.hosts, comparison), *closing(outcome, code)],
        data={"clusters": clusters(outcome.hosts, comparison)},
    )
