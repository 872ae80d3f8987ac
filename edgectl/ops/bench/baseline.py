"""What a server is held against where nobody names it: its own last `bench run`, else others of its kind. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgectl.engine.bench_records import BenchRecord
from edgectl.ops.bench.sides import side_of_records
from edgectl.ops.bench.verdict import Side

# Only what somebody measured on purpose is a baseline: a gate that moved it would let a slow decline through.
BASELINE_COMMAND = "bench run"
_LEAST_KIN = 3
_SHOWN_ID = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """The server that is judged: by which name it is on record, its load, and what it is made of."""

    name: str
    shape: str
    model: str
    sku: str = ""


def own_baseline(subject: Subject, records: Sequence[BenchRecord]) -> Side | None:
    """Return the server's own last `bench run` of this load and model, None where there is none.

    `records` are oldest first.
    """
    own = [record for record in _fit(subject, records) if record.subject == subject.name]
    if not own:
        return None
    run = own[-1].run
    name = f"{subject.name} on {own[-1].at:%Y-%m-%d %H:%M}, run {run[:_SHOWN_ID]}"
    return side_of_records(name, [record for record in own if record.run == run])


def kin_baseline(subject: Subject, records: Sequence[BenchRecord]) -> Side:
    """Return the last `bench run` of each of several others of the same hardware; none says so in its doubts."""
    kin = {
        record.subject: record
        for record in _fit(subject, records)
        if subject.sku and record.sku == subject.sku and record.subject != subject.name
    }
    if len(kin) >= _LEAST_KIN:
        return side_of_records(f"{len(kin)} others of {subject.sku}", list(kin.values()))
    doubt = "no earlier measurement of this load and model is on record; make one: `bench run --repeats 5`"
    return Side("no baseline", {}, 0, doubts=[doubt])


def _fit(subject: Subject, records: Sequence[BenchRecord]) -> list[BenchRecord]:
    return [
        record
        for record in records
        if record.command == BASELINE_COMMAND
        and (record.shape, record.model) == (subject.shape, subject.model)
        and record.is_trusted
    ]
