"""What was measured, shown from the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from edgectl.engine.bench_records import BenchRecord
from edgectl.errors import InputError
from edgectl.ops.bench.show import show_run
from edgectl.report import Line, Report, Table
from tests.fakes.bench_history import MemoryBenchHistory
from tests.fakes.clock import START, FakeClock

FIGURES = {"ttft_ms.p50": 181.2, "tpot_ms.p50": 23.1, "output_tokens_per_s": 4012.0, "requests_per_s": 20.0}
RECORD = BenchRecord("01A", "fra1-n01", 1, START, "bench run", "5f2d", "chat", figures=FIGURES)


def _figures(tokens_per_s: float) -> dict[str, float]:
    return {**FIGURES, "output_tokens_per_s": tokens_per_s}


def _shown(records: list[BenchRecord], run: str | None = None) -> Report:
    return show_run(MemoryBenchHistory(records), FakeClock(), run)


def _rows(report: Report) -> list[list[str]]:
    return [list(row) for part in report.body if isinstance(part, Table) for row in part.rows]


def test_the_latest_run_is_shown_with_a_row_for_each_server() -> None:
    later = replace(RECORD, run="01B", at=START + timedelta(days=1))

    report = _shown([RECORD, later, replace(later, subject="fra1-n02", number=1)])

    assert [row[0] for row in _rows(report)] == ["fra1-n01", "fra1-n02"]
    assert _rows(report)[0][1:7] == ["1", "181", "n/a", "23.1", "4,012", "20.0"]
    assert report.run == "01B"


def test_repeats_are_one_row_with_their_medians() -> None:
    faster = {**FIGURES, "tpot_ms.p50": 21.0}
    records = [RECORD, replace(RECORD, number=2), replace(RECORD, number=3, figures=faster)]

    (row,) = _rows(_shown(records))

    assert row[1:5] == ["3", "181", "n/a", "23.1"]


def test_earlier_runs_of_the_same_load_are_drawn() -> None:
    runs = [
        replace(RECORD, run=f"01{day}", at=START + timedelta(days=day), figures=_figures(1000.0 * (day + 1)))
        for day in range(4)
    ]
    other = replace(RECORD, run="010X", shape="other")

    (row,) = _rows(_shown([*runs, other]))

    assert row[-2] == "▂▄▆█"


def test_of_many_servers_the_slowest_are_shown_and_the_others_counted() -> None:
    records = [
        replace(RECORD, subject=f"n{number:02d}", figures=_figures(4000.0 + number)) for number in range(30)
    ]

    report = _shown(records)

    assert [row[0] for row in _rows(report)] == [f"n{number:02d}" for number in range(20)]
    assert Line("and 10 faster ones") in report.body
    assert len(report.data["measurements"]) == 30


def test_what_the_client_made_is_marked() -> None:
    assert "not trusted" in _rows(_shown([replace(RECORD, is_trusted=False)]))[0][-1]


def test_a_run_that_is_not_there_is_bad_input_and_an_empty_record_is_not() -> None:
    with pytest.raises(InputError, match="no run '01Z' measured anything"):
        _shown([RECORD], "01Z")
    assert _shown([]).body == [Line("nothing was measured yet: edgectl bench run")]
