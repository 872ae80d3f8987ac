"""`bench show`: what a run measured, and how each server did before; nobody is contacted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median

from edgectl.clock import Clock
from edgectl.engine.bench_records import BenchHistory, BenchRecord
from edgectl.errors import ExitCode, InputError
from edgectl.ops.bench.drawing import sparkline
from edgectl.ops.bench.figures import FIGURES
from edgectl.report import Line, Report, Table

_SHOWN = ("ttft.p50", "ttft.p99", "tpot.p50", "tokens", "requests")
_PAST = timedelta(days=90)
_NOTHING = "nothing was measured yet: edgectl bench run"
# Of more servers than this the slowest are shown.
_ROWS = 20
_CELLS = 16


def show_run(history: BenchHistory, clock: Clock, run: str | None) -> Report:
    """Tell what a run measured, the latest by default, and how each server did before. Raises `InputError`."""
    records = history.of_run((run or history.latest_run()).upper()) if run or history.latest_run() else ()
    if not records:
        if run is None:
            return Report("bench show", clock.now(), 0.0, ExitCode.DONE, body=[Line(_NOTHING)])
        raise InputError(f"no run '{run}' measured anything, or several begin so", hint="edgectl bench show")
    first = records[0]
    head = f"run {first.run} {first.command}, {first.at:%Y-%m-%d %H:%M}, model {first.model}"
    return Report(
        "bench show",
        clock.now(),
        0.0,
        ExitCode.DONE,
        run=first.run,
        data={"measurements": [_data(record) for record in records]},
        body=[Line(head), *_table(history, records)],
    )


def _table(history: BenchHistory, records: Sequence[BenchRecord]) -> list[Line | Table]:
    """Return a row for each server; of many those with the fewest tokens, and how many are not shown."""
    by_subject: dict[str, list[BenchRecord]] = {}
    for record in records:
        by_subject.setdefault(record.subject, []).append(record)
    slowest = sorted(by_subject, key=lambda subject: _tokens(by_subject[subject]))[:_ROWS]
    shown = [subject for subject in by_subject if subject in slowest]
    past = _past(history, records[0], shown)
    columns = ["", ">repeats", *map(_column, _SHOWN), "tok/s before", ""]
    table = Table(columns, [_row(subject, by_subject[subject], past) for subject in shown])
    left = len(by_subject) - len(shown)
    return [table, Line(f"and {left:,} faster ones")] if left else [table]


def _tokens(records: Sequence[BenchRecord]) -> float:
    return median(record.figures["output_tokens_per_s"] for record in records)


def _past(history: BenchHistory, record: BenchRecord, subjects: Sequence[str]) -> Mapping[str, list[float]]:
    """Return by subject its token rates at the same load, oldest first, one for each run."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in history.of_subjects(subjects, record.at - _PAST):
        if (one.shape, one.model) == (record.shape, record.model) and one.at <= record.at:
            of_subject = found.setdefault(one.subject, {})
            of_subject.setdefault(one.run, []).append(one.figures["output_tokens_per_s"])
    return {subject: [median(of_run) for of_run in runs.values()] for subject, runs in found.items()}


def _column(name: str) -> str:
    figure = FIGURES[name]
    return f">{figure.shown}/s" if figure.unit == "1/s" else f">{figure.shown} {figure.unit}"


def _row(subject: str, records: Sequence[BenchRecord], past: Mapping[str, list[float]]) -> list[str]:
    cells = []
    for figure in (FIGURES[name] for name in _SHOWN):
        values = [record.figures[figure.key] for record in records if figure.key in record.figures]
        cells.append(figure.number(median(values)) if values else "n/a")
    rates = past.get(subject, [])[-_CELLS:]
    drawn = sparkline([round(value) for value in rates]) if len(rates) > 1 else ""
    doubt = "" if all(record.is_trusted for record in records) else "not trusted: the client's figures"
    return [subject, str(len(records)), *cells, drawn, doubt]


def _data(record: BenchRecord) -> dict[str, object]:
    return {
        "run": record.run,
        "subject": record.subject,
        "number": record.number,
        "at": record.at.isoformat(),
        "command": record.command,
        "shape": record.shape,
        "model": record.model,
        "engine": record.engine,
        "sku": record.sku,
        "trusted": record.is_trusted,
        "figures": dict(record.figures),
    }
