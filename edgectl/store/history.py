"""Reads runs back. Lenient: a row that a newer edgectl wrote must not break an older one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.engine.ports import RunRecord
from edgectl.store.tables import hosts, runs


class History:
    """The RunHistory port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def runs(self, limit: int) -> Sequence[RunRecord]:
        """Return the latest runs, newest first."""
        query = sa.select(runs).order_by(runs.c.run.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [_run(row) for row in connection.execute(query).mappings()]

    def find(self, run: str) -> RunRecord | None:
        """Return the run whose id starts with `run`, or None where none or several do."""
        query = sa.select(runs).where(runs.c.run.startswith(run, autoescape=True)).limit(2)
        with self._engine.connect() as connection:
            rows = list(connection.execute(query).mappings())
        return _run(rows[0]) if len(rows) == 1 else None

    def hosts(self, run: str) -> Sequence[HostOutcome]:
        """Return how each host of a run ended, with its tasks."""
        query = sa.select(hosts).where(hosts.c.run == run).order_by(hosts.c.host)
        with self._engine.connect() as connection:
            return [_host(row) for row in connection.execute(query).mappings()]


def _run(row: Mapping[Any, Any]) -> RunRecord:
    return RunRecord(
        run=row["run"],
        command=row["command"],
        started=_utc(row["started"]),
        finished=_utc(row["finished"]) if row["finished"] else None,
        started_by=row["started_by"],
        stopped=row["stopped"],
        arguments=row["arguments"],
        counts=row["counts"],
    )


def _utc(value: datetime) -> datetime:
    """SQLite forgets the zone; everything was written in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _host(row: Mapping[Any, Any]) -> HostOutcome:
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


_HOST_STATUSES = frozenset(status.value for status in HostStatus)
_TASK_STATUSES = frozenset(status.value for status in TaskStatus)


def _task(row: Mapping[str, Any]) -> TaskRecord:
    return TaskRecord(row["name"], row["module"], TaskStatus(row["status"]), row["seconds"], row["result"])
