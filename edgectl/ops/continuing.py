"""A run that can be taken up again: what it is made of, and how one that was begun before goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.ports import HostWork
from edgectl.engine.records import HostRecord, Manifest, PlannedJob, RunHistory, RunRecord
from edgectl.engine.resume import (
    as_begun,
    differences,
    ended_well,
    job_digest,
    next_attempts,
    open_jobs,
    plan_digest,
    with_attempts,
)
from edgectl.errors import InputError, Problem
from edgectl.ids import is_run_id
from edgectl.ops.services import Services
from edgectl.playbook.model import Playbook
from edgectl.playbook.sources import SourceError, read
from edgectl.remote.job import Job

_LATEST = 200
# How hosts end that a run can go on with.
_UNDONE = (
    HostStatus.FAILED,
    HostStatus.UNREACHABLE,
    HostStatus.UNKNOWN,
    HostStatus.BUSY,
    HostStatus.NOT_RUN,
)

Stages = Sequence[Sequence[HostWork]]


@dataclass(slots=True)
class Begun:
    """What is on record of a run's hosts from before, and which of them this command heard of."""

    records: Mapping[str, HostRecord] = field(default_factory=dict)
    _heard: set[str] = field(default_factory=set)

    def judged(self, outcome: HostOutcome) -> HostOutcome:
        """Return how a host ended: unknown where it was begun before and cannot be reached now."""
        self._heard.add(outcome.host)
        if outcome.status is not HostStatus.UNREACHABLE:
            return outcome
        return as_begun(outcome, self.records.get(outcome.host))

    def whole(self, outcome: RunOutcome) -> RunOutcome:
        """Return how the run ended: a host that we did not come to, and that was begun before, is unknown."""
        hosts = tuple(
            host if host.host in self._heard else as_begun(host, self.records.get(host.host))
            for host in outcome.hosts
        )
        return replace(outcome, hosts=hosts)


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a run goes on: its jobs under their names of today, and the hosts that have nothing left to do."""

    stages: Stages
    manifest: Manifest
    ended: Mapping[str, HostOutcome]
    begun: Begun


def manifest_of(services: Services, playbook: Playbook, stages: Stages, *, check: bool) -> Manifest:
    """Return what a run is made of; the digests only where there will be something to continue."""
    journaled = any(_job(work).changes for stage in stages for work in stage)
    hosts = {work.host.name: work.host for stage in stages for work in stage}
    jobs: dict[str, list[PlannedJob]] = {name: [] for name in hosts}
    for stage in stages:
        for work in stage:
            jobs[work.host.name].append(_planned(_job(work), journaled=journaled))
    return Manifest(
        jobs=jobs,
        digest=plan_digest(jobs) if journaled else "",
        playbook=_digest_of(playbook) if journaled else "",
        origin=services.origin,
        pops={name: host.pop.name for name, host in hosts.items()},
        zones={host.pop.name: host.pop.tz for host in hosts.values()},
        changes=journaled and not check,
        journaled=journaled,
    )


def _job(work: HostWork) -> Job:
    if not isinstance(work.errand, Job):
        raise TypeError(f"{work.host.name}: a plan is made of jobs")
    return work.errand


def _planned(job: Job, *, journaled: bool) -> PlannedJob:
    return PlannedJob(job.stage, job_digest(job) if journaled else "", become=job.become)


def _digest_of(playbook: Playbook) -> str:
    try:
        return hashlib.sha256(b"".join(read(path) for path in playbook.files)).hexdigest()
    except SourceError:
        return ""  # a command's own play, which no file holds


def whole_id(history: RunHistory, given: str) -> str:
    """Return the id of the run to continue, which may have been begun by another controller."""
    record = history.find(given)
    if record is None and not is_run_id(given):
        raise InputError(f"'{given}' is neither the beginning of one run's id here nor a whole id")
    return record.run if record else given


def to_resume(history: RunHistory, given: str | None) -> RunRecord:
    """Return the run that an id or its beginning means, or the latest that has something left to do."""
    if given is None:
        record = next((record for record in history.runs(_LATEST) if _is_unfinished(record)), None)
        if record is None:
            raise InputError("no run here has anything left to do", hint="edgectl runs list")
        return record
    record = history.find(given)
    if record is None or not record.origin.argv:
        missing = f"this store does not know how run {given} was asked for; another controller began it"
        said = missing if is_run_id(given) else f"no single run starts with '{given}'"
        hint = f"edgectl run PLAYBOOK SELECT --resume {given}" if is_run_id(given) else "edgectl runs list"
        raise InputError(said, hint=hint)
    if not record.changes:
        raise InputError(f"run {record.run} changes nothing; there is nothing to continue")
    return record


def _is_unfinished(record: RunRecord) -> bool:
    if not record.changes or not record.origin.argv:
        return False
    return record.finished is None or any(record.counts.get(status) for status in _UNDONE)


def continuation(services: Services, stages: Stages, manifest: Manifest) -> Continuation:
    """Return how the run that was asked for goes on; a new one as it is planned.

    Raises `InputError` where it is not the same any more.
    """
    run = services.resuming
    if not run:
        return Continuation(stages, manifest, {}, Begun())
    if not manifest.changes:
        raise InputError(f"run {run} cannot be continued by what changes nothing", hint="start a new run")
    then = services.history.manifest(run)
    found = () if then is None else differences(then, manifest)
    if found:
        problems = [Problem(f"run {run} was begun with another plan: {said}") for said in found]
        hint = "bring back the playbook and the inventory of that time, or start a new run"
        raise InputError(problems, hint=hint)
    records = services.history.hosts(run)
    going_on = with_attempts(manifest, next_attempts(records))
    return Continuation(
        stages=_going_on(stages, going_on, open_jobs(records)),
        manifest=going_on,
        ended=ended_well(records, manifest.jobs),
        begun=Begun({record.outcome.host: record for record in records}),
    )


def _going_on(stages: Stages, manifest: Manifest, begun: Container[tuple[str, int]]) -> Stages:
    """Return the jobs under their names of today; hosts whose end in one is not known are waited for."""
    attempts = {(host, job.stage): job.attempt for host, planned in manifest.jobs.items() for job in planned}
    return tuple(
        tuple(
            replace(
                work,
                errand=replace(job, attempt=attempts[work.host.name, job.stage]),
                begun=(work.host.name, job.stage) in begun,
            )
            for work in stage
            for job in (_job(work),)
        )
        for stage in stages
    )
