"""Rows become records and back. Lenient on the way in: what a newer edgectl wrote must not break an older one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.records import Entry, HostRecord, JobRecord, Manifest, Origin, PlannedJob, RunRecord
from edgectl.engine.resume import SHORT

_HOST_STATUSES = frozenset(status.value for status in HostStatus)
_TASK_STATUSES = frozenset(status.value for status in TaskStatus)


def run_record(row: Mapping[Any, Any]) -> RunRecord:
    """Return a run."""
    return RunRecord(
        run=row["run"],
        command=row["command"],
        started=utc(row["started"]),
        finished=utc(row["finished"]) if row["finished"] else None,
        started_by=row["started_by"],
        stopped=row["stopped"],
        arguments=row["arguments"],
        counts=row["counts"],
        origin=_origin(row),
        changes=row["changes"],
        journaled=row["journaled"],
        cancelled=row["cancelled"],
    )


def _origin(row: Mapping[Any, Any]) -> Origin:
    return Origin(tuple(row["argv"] or ()), row["cwd"], row["inventory"])


def utc(value: datetime) -> datetime:
    """Return a moment with its zone. SQLite forgets it; everything was written in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def manifest_row(manifest: Manifest) -> dict[str, Any]:
    """Return the columns that hold a manifest; digests of jobs only as long as they must be to differ."""
    jobs = {
        host: [[job.stage, job.digest[:SHORT], job.become] for job in planned]
        for host, planned in manifest.jobs.items()
    }
    return {
        "argv": list(manifest.origin.argv),
        "cwd": manifest.origin.cwd,
        "inventory": manifest.origin.inventory,
        "changes": manifest.changes,
        "journaled": manifest.journaled,
        "digest": manifest.digest,
        "playbook": manifest.playbook,
        "planned": {"jobs": jobs, "zones": dict(manifest.zones)},
    }


def manifest(row: Mapping[Any, Any]) -> Manifest | None:
    """Return a run's manifest, or None where the run was begun elsewhere or by an older edgectl."""
    planned = row["planned"]
    if not row["digest"] or not planned:
        return None
    jobs = {
        host: tuple(PlannedJob(stage, digest, become=become) for stage, digest, become in of_host)
        for host, of_host in planned["jobs"].items()
    }
    return Manifest(
        jobs=jobs,
        digest=row["digest"],
        playbook=row["playbook"],
        origin=_origin(row),
        zones=planned["zones"],
        changes=row["changes"],
        journaled=row["journaled"],
    )


def outcome_row(outcome: HostOutcome) -> dict[str, Any]:
    """Return the columns that hold how a host ended."""
    return {
        "host": outcome.host,
        "pop": outcome.pop,
        "status": outcome.status.value,
        "reason": outcome.reason,
        "failed_task": outcome.failed_task,
        "hint": outcome.hint,
        "seconds": outcome.seconds,
        "tasks": [
            {
                "name": task.name,
                "module": task.module,
                "status": task.status.value,
                "seconds": task.seconds,
                "result": dict(task.result),
            }
            for task in outcome.tasks
        ],
    }


def host_record(row: Mapping[Any, Any]) -> HostRecord:
    """Return a host of a run."""
    return HostRecord(
        outcome=_outcome(row),
        started=utc(row["started"]) if row["started"] else None,
        ended=utc(row["ended"]) if row["ended"] else None,
        jobs=tuple(JobRecord(*_values(job, JobRecord.__slots__)) for job in row["jobs"] or ()),
        timeline=tuple(Entry(*_values(entry, Entry.__slots__)) for entry in row["timeline"] or ()),
    )


def packed(record: JobRecord | Entry) -> list[Any]:
    """Return a record as the list of its fields, in order: there is one per task of every host of every run."""
    return [getattr(record, name) for name in record.__slots__]


def _values(fields: list[Any], known: tuple[str, ...]) -> list[Any]:
    return fields[: len(known)]


def _outcome(row: Mapping[Any, Any]) -> HostOutcome:
    return HostOutcome(
        host=row["host"],
        pop=row["pop"],
        status=_status(row["status"]),
        reason=row["reason"],
        failed_task=row["failed_task"],
        seconds=row["seconds"],
        tasks=tuple(_task(task) for task in row["tasks"] if task["status"] in _TASK_STATUSES),
        hint=row["hint"],
    )


def _status(word: str) -> HostStatus:
    """Return a host's status; one we do not know is the one that says so."""
    return HostStatus(word) if word in _HOST_STATUSES else HostStatus.UNKNOWN


def _task(row: Mapping[str, Any]) -> TaskRecord:
    return TaskRecord(row["name"], row["module"], TaskStatus(row["status"]), row["seconds"], row["result"])
