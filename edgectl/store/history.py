"""Reads runs back, and forgets those that nobody needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from edgectl.engine.records import HostRecord, Manifest, RunRecord
from edgectl.store.database import reading
from edgectl.store.rows import host_record, manifest, run_record
from edgectl.store.tables import hosts, runs

# A run over thousands of hosts has a plan of a megabyte, which a list of runs does not need.
_TOLD = [column for column in runs.c if column.name != "planned"]


class History:
    """The RunHistory port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def runs(self, limit: int) -> Sequence[RunRecord]:
        """Return the latest runs, newest first."""
        return self._records(sa.select(*_TOLD).order_by(runs.c.run.desc()).limit(limit))

    def unfinished(self) -> Sequence[RunRecord]:
        """Return the runs without a recorded end, newest first."""
        return self._records(sa.select(*_TOLD).where(runs.c.finished.is_(None)).order_by(runs.c.run.desc()))

    def find(self, run: str) -> RunRecord | None:
        """Return the run whose id starts with `run`, or None where none or several do."""
        found = self._records(sa.select(*_TOLD).where(runs.c.run.startswith(run, autoescape=True)).limit(2))
        return found[0] if len(found) == 1 else None

    def manifest(self, run: str) -> Manifest | None:
        """Return what a run was made of, or None where that is not known."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(runs).where(runs.c.run == run)).mappings().one_or_none()
        return None if row is None else manifest(row)

    def hosts(self, run: str, *, limit: int | None = None) -> Sequence[HostRecord]:
        """Return what is known of each host of a run, or of the first ones, with its tasks."""
        query = sa.select(hosts).where(hosts.c.run == run).order_by(hosts.c.host).limit(limit)
        with reading(self._engine) as connection:
            return [host_record(row) for row in connection.execute(query).mappings()]

    def cancel(self, run: str, by: str) -> None:
        """Note that a run must not start another host."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.run == run).values(cancelled=by))

    def prune(self, before: datetime) -> int:
        """Forget the runs that ended before; one that has no end, or that a freeze stopped, may be continued."""
        old = (runs.c.finished < before) & ~runs.c.stopped.startswith("frozen")
        with self._engine.begin() as connection:
            return connection.execute(sa.delete(runs).where(old)).rowcount

    def _records(self, query: sa.Select[tuple[object, ...]]) -> Sequence[RunRecord]:
        with reading(self._engine) as connection:
            return [run_record(row) for row in connection.execute(query).mappings()]
