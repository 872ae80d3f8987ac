"""Measurements on record in memory; the contract suite holds it to the same promises."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from edgectl.engine.bench_records import BenchRecord


class MemoryBenchHistory:
    def __init__(self, records: Sequence[BenchRecord] = ()) -> None:
        self._records = list(records)

    def keep(self, records: Sequence[BenchRecord]) -> None:
        self._records += records

    def of_run(self, run: str) -> Sequence[BenchRecord]:
        found = self._ordered(record for record in self._records if record.run.startswith(run))
        return found if len({record.run for record in found}) == 1 else ()

    def of_subjects(self, subjects: Collection[str], since: datetime) -> Sequence[BenchRecord]:
        return self._ordered(
            record for record in self._records if record.subject in subjects and record.at >= since
        )

    def latest_run(self) -> str:
        return max((record.run for record in self._records), default="")

    def _ordered(self, records: Iterable[BenchRecord]) -> list[BenchRecord]:
        return sorted(records, key=lambda record: (record.at, record.run, record.number))
