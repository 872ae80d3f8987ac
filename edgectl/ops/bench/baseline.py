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


def baseline_of(subject: Subject, records: Sequence[BenchRecord]) -> Side:
    """Return the side to compare with; one that has none says so in its doubts.

    `records` are of this server and of others, oldest first.
    """
    fit = [
        record
        for record in records
        if record.command == BASELINE_COMMAND
        and (record.shape, record.model) == (subject.shape, subject.model)
        and record.is_trusted
    ]
    own = [record for record in fit if record.subject == subject.name]
    if own:
        run = own[-1].run
        name = f"{subject.name} on {own[-1].at:%Y-%m-%d %H:%M}, run {run[:_SHOWN_ID]}"
        return side_of_records(name, [record for record in own if record.run == run])
    kin = {record.subject: record for record in fit if subject.sku and record.sku == subject.sku}
    if len(kin) >= _LEAST_KIN:
        return side_of_records(f"{len(kin)} others of {subject.sku}", list(kin.values()))
    doubt = "no earlier measurement of this load and model is on record; make one: `bench run --repeats 5`"
    return Side("no baseline", {}, 0, doubts=[doubt])
