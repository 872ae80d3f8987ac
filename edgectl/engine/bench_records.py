"""What the store keeps of measurements, one small row each; the whole of it is with its run. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BenchRecord:
    """One measurement of one server; `subject` is a host or a URL, `number` counts a run's repeats from 1.

    `shape` is a digest of the load: only measurements of one shape can be compared. `figures` maps names such as
    `ttft_ms.p50` to numbers, in the units of the report.
    """

    run: str
    subject: str
    number: int
    at: datetime
    command: str
    shape: str
    model: str
    engine: str = ""
    sku: str = ""
    is_trusted: bool = True
    figures: Mapping[str, float] = field(default_factory=dict)


class BenchHistory(Protocol):
    """Where measurements are kept. Every method raises `MissingError` where the store does not answer."""

    def keep(self, records: Sequence[BenchRecord]) -> None:
        """Put measurements on record, all of them or none."""
        ...

    def of_run(self, run: str) -> Sequence[BenchRecord]:
        """Return the measurements of the run whose id starts with `run`; empty where none or several runs do."""
        ...

    def of_subjects(self, subjects: Collection[str], since: datetime) -> Sequence[BenchRecord]:
        """Return the measurements of these hosts or URLs, in the order in which they were made."""
        ...

    def latest_run(self) -> str:
        """Return the id of the latest run that measured, "" where none did."""
        ...


class NoBenchHistory:
    """Knows nothing and keeps nothing."""

    def keep(self, records: Sequence[BenchRecord]) -> None:
        """Forget them."""

    def of_run(self, run: str) -> Sequence[BenchRecord]:
        """Return nothing."""
        del run
        return ()

    def of_subjects(self, subjects: Collection[str], since: datetime) -> Sequence[BenchRecord]:
        """Return nothing."""
        del subjects, since
        return ()

    def latest_run(self) -> str:
        """Return that there is none."""
        return ""
