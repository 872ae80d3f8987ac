"""The page and its table, as text; `tests/pages` opens it in a browser."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from edgectl.errors import ExitCode
from edgectl.output import csv_table, page
from edgectl.output.chart import svg
from edgectl.report import Chart, Line, Metric, Report, Section, Series, Table


def _report(**more: object) -> Report:
    return Report("bench run", datetime(2026, 11, 30, 9, tzinfo=UTC), 1.5, ExitCode.DONE, **more)  # type: ignore[arg-type]


def _page(report: Report) -> str:
    stream = io.StringIO()
    page.render(report, stream)
    return stream.getvalue()


def test_lines_tables_and_sections_are_there_and_escaped() -> None:
    body = [Line("5 < 6 & \x1b[31mred"), Table([">a", "b"], [["1", "<b>"]])]

    text = _page(_report(body=body, sections=[Section("Load & more", [Table(["", ""], [["x", "y"]])])]))

    assert "5 &lt; 6 &amp; " in text
    assert "\x1b" not in text
    assert "<td>&lt;b&gt;</td>" in text
    assert "<h2>Load &amp; more</h2>" in text
    assert text.count("<thead>") == 1


@pytest.mark.parametrize(
    "points", [[(1.0, 2.0)], [(0.0, 0.0), (1.0, 0.0)], [(1e-9, 1e-9), (1e9, 1e12)], [(5.0, -3.0), (6.0, 3.0)]]
)
def test_any_numbers_can_be_drawn(points: list[tuple[float, float]]) -> None:
    drawn = svg(Chart("a", "x", "y", [Series("s", points)]))

    assert drawn.startswith("<svg")
    assert "nan" not in drawn


def test_a_chart_of_nothing_is_nothing() -> None:
    assert svg(Chart("a", "x", "y", [])) == ""


def test_a_figure_is_a_row_with_a_column_for_each_label() -> None:
    stream = io.StringIO()
    metrics = [Metric("m", "M.", 0.25, {"host": "n1", "quantile": "0.5"}), Metric("k", "K.", 3.0)]

    csv_table.render(_report(metrics=metrics), stream)

    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert rows == [
        {"metric": "m", "host": "n1", "quantile": "0.5", "value": "0.25"},
        {"metric": "k", "host": "", "quantile": "", "value": "3.0"},
    ]
