"""A measurement as a host reports it, to build reports from without measuring."""

from __future__ import annotations

from typing import Any

from edgectl.ops.bench.measured import Measured, read_measured
from edgectl.remote.args import build
from edgectl.remote.bench.load import Load
from edgectl.remote.bench.measurement import bench
from edgectl.remote.bench.plan import Plan
from edgectl.remote.bench.prompts import WordCount
from edgectl.remote.bench.request import Record
from edgectl.remote.bench.workers import Measured as Seen

_MS = 1_000_000


def a_record(
    number: int, *, ttft_ms: float = 100, tpot_ms: float = 20, lag_ms: float = 0.2, error: str = ""
) -> Record:
    """Return a request of ten tokens, due 50 ms after the one before."""
    due = number * 50 * _MS
    sent = due + round(lag_ms * _MS)
    first = sent + round(ttft_ms * _MS)
    chunks = [first + round(position * tpot_ms * _MS) for position in range(10)]
    if error:
        return Record(number, due, sent, sent, 0, chunks[-1], error, "why it failed")
    return Record(number, due, sent, sent, 0, chunks[-1], "", "", first, chunks, 10, 50)


def an_object(records: list[Record], *, cpu: float = 0.11, **load: Any) -> dict[str, Any]:
    """Return what `bench_load` returns for these records."""
    given = {"url": "http://127.0.0.1:8000", "rate": 20, "requests": len(records), "seed": 7, **load}
    return bench(Plan(build(Load, given), "chat", WordCount()), Seen(records, [cpu], 0))


def a_measurement(records: list[Record], *, where: str = "fra1-r1-n01", **more: Any) -> Measured:
    return read_measured(where, "fra1", an_object(records, **more))
