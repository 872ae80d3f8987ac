"""Measurements on SQL: a row for each, found by run or by what was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from edgectl.engine.bench_records import BenchRecord
from edgectl.store.database import reading, writing
from edgectl.store.health_rows import moment, stamp
from edgectl.store.tables import bench_results

# A row is 750 bytes: a fleet of 4,400 that is measured every night fills 600 MB in this time.
_KEPT = timedelta(days=180)
# Above this many names a query is longer than reading the whole table.
_NAMED = 500


class SqlBenchHistory:
    """The BenchHistory port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, records: Sequence[BenchRecord]) -> None:
        """Put measurements on record, all of them or none; what is too old to compare with goes."""
        if not records:
            return
        oldest = stamp(max(record.at for record in records) - _KEPT)
        with writing(self._engine) as connection:
            connection.execute(sa.insert(bench_results), [_row(record) for record in records])
            connection.execute(sa.delete(bench_results).where(bench_results.c.at < oldest))

    def of_run(self, run: str) -> Sequence[BenchRecord]:
        """Return the measurements of the run whose id starts with `run`; empty where none or several runs do."""
        found = self._records(
            sa.select(bench_results).where(bench_results.c.run.startswith(run, autoescape=True))
        )
        return found if len({record.run for record in found}) == 1 else ()

    def of_subjects(self, subjects: Collection[str], since: datetime) -> Sequence[BenchRecord]:
        """Return the measurements of these hosts or URLs, in the order in which they were made."""
        query = sa.select(bench_results).where(bench_results.c.at >= stamp(since))
        if len(subjects) <= _NAMED:
            query = query.where(bench_results.c.subject.in_(sorted(subjects)))
        wanted = frozenset(subjects)
        return [record for record in self._records(query) if record.subject in wanted]

    def latest_run(self) -> str:
        """Return the id of the latest run that measured, "" where none did."""
        with reading(self._engine) as connection:
            return connection.execute(sa.select(sa.func.max(bench_results.c.run))).scalar() or ""

    def _records(self, query: sa.Select[Any]) -> list[BenchRecord]:
        ordered = query.order_by(bench_results.c.at, bench_results.c.run, bench_results.c.number)
        with reading(self._engine) as connection:
            return [_record(row) for row in connection.execute(ordered).mappings()]


def _row(record: BenchRecord) -> dict[str, Any]:
    return {
        "run": record.run,
        "subject": record.subject,
        "number": record.number,
        "at": stamp(record.at),
        "command": record.command,
        "shape": record.shape,
        "model": record.model,
        "engine": record.engine,
        "sku": record.sku,
        "trusted": record.is_trusted,
        "figures": dict(record.figures),
    }


def _record(row: Mapping[Any, Any]) -> BenchRecord:
    return BenchRecord(
        run=row["run"],
        subject=row["subject"],
        number=row["number"],
        at=moment(row["at"]),
        command=row["command"],
        shape=row["shape"],
        model=row["model"],
        engine=row["engine"],
        sku=row["sku"],
        is_trusted=row["trusted"],
        figures=row["figures"],
    )
