"""What a page of a measurement has beside the report's lines."""

from __future__ import annotations

from dataclasses import replace

from edgectl.ops.bench.page import looked_up, measured_sections
from edgectl.report import Chart, Section, Table
from tests.unit.ops.bench.figures import a_measurement, a_record


def _charts(sections: list[Section]) -> list[Chart]:
    return [part for section in sections for part in section.parts if isinstance(part, Chart)]


def _rows(sections: list[Section], title: str) -> dict[str, str]:
    (found,) = [section for section in sections if section.title == title]
    return {row[0]: row[1] for part in found.parts if isinstance(part, Table) for row in part.rows}


def test_each_latency_has_a_distribution_with_a_curve_for_each_measurement() -> None:
    measured = a_measurement([a_record(number, ttft_ms=100 + number) for number in range(40)])

    charts = _charts(measured_sections({"repeat 1": measured, "repeat 2": measured}))

    assert [chart.x for chart in charts] == ["TTFT (ms)", "TPOT (ms)", "ITL (ms)", "End to end (ms)"]
    assert [series.name for series in charts[0].series] == ["repeat 1", "repeat 2"]
    assert charts[0].series[0].points[-1] == (139, 100)


def test_of_many_hosts_the_slowest_are_drawn_in_the_fleet_s_order() -> None:
    hosts = {
        f"n{number:02d}": a_measurement([a_record(one, tpot_ms=20 + number) for one in range(20)])
        for number in range(12)
    }

    sections = measured_sections(hosts)

    assert sections[0].title == "Distributions, the 8 slowest of 12"
    assert [series.name for series in _charts(sections)[0].series] == [
        f"n{number:02d}" for number in range(4, 12)
    ]


def test_words_load_and_environment_can_be_looked_up() -> None:
    measured = a_measurement([a_record(number) for number in range(20)])
    seen = {
        "engine": {"version": "0.11"},
        "gpus": [{"name": "RTX", "uuid": None}, {"name": "RTX"}],
        "flags": [1, 2],
    }

    sections = looked_up(replace(measured, whole={**measured.whole, "environment": seen}))

    assert _rows(sections, "Environment") == {
        "engine version": "0.11", "gpus 1 name": "RTX", "gpus 2 name": "RTX", "flags": "1, 2",
    }  # fmt: skip
    assert _rows(sections, "Load")["model"] == "chat"
    assert "tpot_ms" in _rows(sections, "Definitions")
    assert "client_bound" in _rows(sections, "The client's own error bar")


def test_nothing_measured_is_nothing_to_show() -> None:
    assert measured_sections({}) == []


def test_where_every_request_failed_there_are_words_and_no_curves() -> None:
    measured = a_measurement([a_record(number, error="timeout") for number in range(3)])

    assert _charts(measured_sections({"n1": measured})) == []
