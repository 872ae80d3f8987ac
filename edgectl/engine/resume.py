"""How a run that was begun before goes on: whether it is still the same, and which hosts with which jobs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.records import HostRecord, JobRecord, Manifest, PlannedJob
from edgectl.inventory.fold import folded
from edgectl.remote.job import Job, digest_of, encode_job

# So many characters of a job's digest are remembered to name the hosts that differ; the plan's own is whole.
SHORT = 16
_WELL = (HostStatus.OK, HostStatus.CHANGED)


def job_digest(job: Job) -> str:
    """Return what makes a host's job the same in two plans, whichever attempt it is.

    The files that travel with it are named by their digests in its tasks.
    """
    return digest_of(encode_job(replace(job, blobs=dict.fromkeys(sorted(job.blobs), ""))))


def plan_digest(jobs: Mapping[str, Sequence[PlannedJob]]) -> str:
    """Return what makes two plans the same: the sha256 over the sorted lines `host:stage:digest of the job`."""
    lines = sorted(f"{host}:{job.stage}:{job.digest}" for host, planned in jobs.items() for job in planned)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def differences(then: Manifest, now: Manifest) -> tuple[str, ...]:
    """Return in words how a plan differs from the one a run was begun with; nothing where that is not known."""
    if not then.digest or then.digest == now.digest:
        return ()
    gone = [host for host in then.jobs if host not in now.jobs]
    new = [host for host in now.jobs if host not in then.jobs]
    other = [
        host for host, jobs in now.jobs.items() if host in then.jobs and _is_other(then.jobs[host], jobs)
    ]
    found = [
        f"{folded(hosts)} {said}"
        for hosts, said in (
            (gone, "left the plan"),
            (new, "came into it"),
            (other, "would get another job"),
        )
        if hosts
    ]
    if then.playbook != now.playbook:
        found.append(f"the playbook was sha256 {then.playbook[:SHORT]}…, and is {now.playbook[:SHORT]}…")
    return tuple(found)


def _is_other(then: Sequence[PlannedJob], now: Sequence[PlannedJob]) -> bool:
    def short(jobs: Sequence[PlannedJob]) -> list[tuple[int, str]]:
        return [(job.stage, job.digest[:SHORT]) for job in jobs]

    return short(then) != short(now)


def ended_well(
    records: Iterable[HostRecord], planned: Mapping[str, Sequence[PlannedJob]]
) -> dict[str, HostOutcome]:
    """Return the hosts that came to a good end, with every job that is planned for them: they are not contacted again.

    Whoever followed a run without knowing its plan has on record how a host's first job ended, and no more.
    """
    return {
        record.outcome.host: record.outcome
        for record in records
        if record.outcome.status in _WELL and _is_whole(record, planned.get(record.outcome.host, ()))
    }


def _is_whole(record: HostRecord, planned: Sequence[PlannedJob]) -> bool:
    done = {job.stage for job in record.jobs if job.ended in _WELL}
    return done >= {job.stage for job in planned}


def next_attempts(records: Iterable[HostRecord]) -> dict[tuple[str, int], int]:
    """Return the attempt with which each host's stage goes on, where that is not the first.

    A job whose journal holds its failure would only tell of it again: it goes on under another name, with the task
    that failed.
    Every other job keeps its name, so that what it did is not done twice.
    """
    found = {
        (record.outcome.host, job.stage): job.attempt + (job.ended == HostStatus.FAILED)
        for record in records
        for job in record.jobs
    }
    return {where: attempt for where, attempt in found.items() if attempt}


def with_attempts(manifest: Manifest, attempts: Mapping[tuple[str, int], int]) -> Manifest:
    """Return a manifest whose jobs carry the attempts they go on with."""
    jobs = {
        host: tuple(replace(job, attempt=attempts.get((host, job.stage), 0)) for job in planned)
        for host, planned in manifest.jobs.items()
    }
    return replace(manifest, jobs=jobs)


def to_follow(records: Iterable[HostRecord]) -> dict[str, tuple[JobRecord, ...]]:
    """Return the jobs of each host whose end is not known; its earlier ones too, so that its tale is whole."""
    return {record.outcome.host: tuple(record.jobs) for record in records if record.is_open}


def open_jobs(records: Iterable[HostRecord]) -> frozenset[tuple[str, int]]:
    """Return the hosts and stages that were begun and whose end is not known."""
    return frozenset(
        (record.outcome.host, job.stage)
        for record in records
        if record.is_open
        for job in record.jobs
        if not job.ended
    )


def as_begun(outcome: HostOutcome, record: HostRecord | None) -> HostOutcome:
    """Return how a host ended that was begun before: one that we cannot reach now may have done its work."""
    out_of_reach = outcome.status in (HostStatus.UNREACHABLE, HostStatus.NOT_RUN)
    if record is None or not record.is_open or not out_of_reach:
        return outcome
    reason = f"it was begun before, and now: {outcome.reason}"
    return replace(
        outcome, status=HostStatus.UNKNOWN, reason=reason, tasks=outcome.tasks or record.outcome.tasks
    )
