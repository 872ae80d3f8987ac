"""The sides of a comparison: of measurements just made, of ones on record, of results of other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgectl.complaints import did_you_mean
from edgectl.engine.bench_records import BenchHistory, BenchRecord
from edgectl.errors import InputError
from edgectl.ops.bench.figures import figures_of
from edgectl.ops.bench.identity import shape_of
from edgectl.ops.bench.imported import Imported
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.verdict import Side

_SHOWN_ID = 10


def side_of_measured(name: str, repeats: Sequence[Measured]) -> Side:
    """Return a side of measurements just made; none at all is a side without repeats."""
    return _side(
        name,
        [figures_of(measured) for measured in repeats],
        shape=shape_of(repeats[0]) if repeats else "",
        model=repeats[0].model if repeats else "",
        doubts=_doubts(
            ["; ".join(one.client.reasons) for one in repeats if one.client.is_bound], len(repeats)
        ),
    )


def side_of_records(name: str, records: Sequence[BenchRecord]) -> Side:
    """Return a side of what is on record of one server."""
    bound = ["the client made the figures" for record in records if not record.is_trusted]
    return _side(
        name,
        [record.figures for record in records],
        shape=records[0].shape,
        model=records[0].model,
        doubts=_doubts(bound, len(records)),
    )


def sides_of_run(history: BenchHistory, word: str) -> dict[str, Side]:
    """Return what a run measured, by host or URL; of `RUN#HOST` that one alone.

    Raises `InputError` where there is no one such run.
    """
    run, _, chosen = word.partition("#")
    records = history.of_run(run.upper())
    if not records:
        message = f"'{run}' is no URL, no file, and no one run that measured anything"
        raise InputError(message, hint="edgectl bench show")
    by_subject: dict[str, list[BenchRecord]] = {}
    for record in records:
        by_subject.setdefault(record.subject, []).append(record)
    sides = {
        subject: side_of_records(f"{found[0].run[:_SHOWN_ID]} {subject}", found)
        for subject, found in by_subject.items()
    }
    return only(sides, word, chosen)


def only(sides: dict[str, Side], word: str, chosen: str) -> dict[str, Side]:
    """Return the side that a word like `FILE#HOST` names, all of them where it names none. Raises `InputError`."""
    if not chosen:
        return sides
    if chosen not in sides:
        raise InputError(f"{word}: there is no '{chosen}' in it{did_you_mean(chosen, sides)}")
    return {chosen: sides[chosen]}


def side_of_imported(name: str, imported: Imported) -> Side:
    """Return a side of one measurement by another tool."""
    side = _side(name, [imported.figures], model=imported.model)
    return Side(
        name=f"{name} ({imported.tool})",
        figures=side.figures,
        repeats=1,
        sent=side.sent,
        failed=side.failed,
        model=imported.model,
        notes=imported.notes,
    )


def joined(name: str, sides: Sequence[Side]) -> Side:
    """Return several files as repeats of one server."""
    keys = {key for side in sides for key in side.figures}
    shapes = {side.shape for side in sides}
    doubts = [doubt for side in sides for doubt in side.doubts]
    if len(shapes) > 1:
        doubts.append("its files were measured with different loads")
    return Side(
        name=name,
        figures={key: [value for side in sides for value in side.figures.get(key, ())] for key in keys},
        repeats=sum(side.repeats for side in sides),
        sent=sum(side.sent for side in sides),
        failed=sum(side.failed for side in sides),
        shape=sides[0].shape,
        model=sides[0].model,
        doubts=doubts,
        notes=list(dict.fromkeys(note for side in sides for note in side.notes)),
    )


def _side(
    name: str,
    repeats: Sequence[Mapping[str, float]],
    *,
    shape: str = "",
    model: str = "",
    doubts: Sequence[str] = (),
) -> Side:
    keys = {key for figures in repeats for key in figures}
    columns = {key: [figures[key] for figures in repeats if key in figures] for key in keys}
    return Side(
        name=name,
        figures=columns,
        repeats=len(repeats),
        sent=round(sum(columns.get("sent", ()))),
        failed=round(sum(columns.get("failed", ()))),
        shape=shape,
        model=model,
        doubts=doubts,
    )


def _doubts(bound: Sequence[str], repeats: int) -> list[str]:
    if not bound:
        return []
    return [f"{len(bound)} of {repeats} repeats cannot be trusted: {bound[0]}"]
