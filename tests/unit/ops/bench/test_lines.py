"""What a person sees, whole; after a change of words: EDGECTL_GOLDEN=write pytest tests/unit/ops/bench."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from edgectl.clock import SystemClock
from edgectl.errors import ExitCode
from edgectl.ops.bench.drawing import milliseconds, percent, rate, sparkline
from edgectl.ops.bench.lines import body_of_many, body_of_one
from edgectl.ops.bench.measured import read_measured
from edgectl.output import table
from edgectl.report import Line, Report, Table
from tests.unit.ops.bench.figures import a_measurement, a_record, an_object

GOLDEN = Path(__file__).parents[3] / "golden"


def _shown(body: list[Line | Table]) -> str:
    stream = io.StringIO()
    table.render(Report("bench run", SystemClock().now(), 0, ExitCode.DONE, body=body), stream, color=False)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _same(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("EDGECTL_GOLDEN") == "write":  # noqa: TID251 - a person's own switch
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_one_measurement_is_told_in_full() -> None:
    records = [a_record(number, ttft_ms=100 + number, tpot_ms=20 + number % 7) for number in range(300)]
    slo = {"ttft_ms": 215, "tpot_ms": 40}

    _same("bench_one.txt", _shown(body_of_one(a_measurement(records, slo=slo))))


def test_a_measurement_that_went_badly_says_so() -> None:
    records = [a_record(number, lag_ms=30, error="timeout" if number > 6 else "") for number in range(9)]

    _same("bench_bad.txt", _shown(body_of_one(a_measurement(records, cpu=0.97))))


def test_power_the_loop_and_the_server_as_a_witness_are_told_where_they_are_known() -> None:
    gpu = {"power_w": {"mean": 300.0, "min": 290.0, "max": 310.0}, "throttled": {"sw_power_cap": 0.31}}
    whole = an_object([a_record(number) for number in range(30)])
    whole["power"] = {"gpus": [gpu, {**gpu, "throttled": {}}], "joules_per_token": 0.4212, "energy_j": 1.0}
    whole["validity"]["loop_lag_ms"] = {"mean": 0.1, "p50": 0.1, "p90": 0.2, "p99": 0.3, "n": 400}
    whole["validity"]["server"] = {"itl_ms": 19.9, "other_traffic": False}

    shown = _shown(body_of_one(read_measured("n1", "fra1", whole)))

    assert "power       600 W · 0.421 J/token\nthrottled   sw_power_cap 31 % of the time\n" in shown
    assert "loop lag p99 0.30 ms, cpu 11 %, the server's own ITL 19.9 ms: figures are the server's" in shown


def test_several_hosts_are_a_row_each_and_the_fleet() -> None:
    hosts = [
        a_measurement([a_record(n, ttft_ms=100 * place) for n in range(300)], where=f"fra1-r1-n0{place}")
        for place in (1, 2, 3)
    ]

    _same("bench_many.txt", _shown(body_of_many(hosts)))


def test_many_hosts_are_folded_to_the_slowest() -> None:
    hosts = [
        a_measurement([a_record(n, tpot_ms=place) for n in range(10)], where=f"n{place:03d}")
        for place in range(1, 101)
    ]

    shown = _shown(body_of_many(hosts))

    assert "n100" in shown
    assert "n080" not in shown
    assert "80 faster ones" in shown
    assert "fleet (100)" in shown


@pytest.mark.parametrize(
    ("figure", "text"),
    [(None, "n/a"), (0.1234, "0.12"), (23.14, "23.1"), (188.4, "188"), (1234.5, "1,234")],
)
def test_a_latency_has_three_digits(figure: float | None, text: str) -> None:
    assert milliseconds(figure) == text


def test_small_figures_are_shown_as_they_are() -> None:
    assert (rate(20.04), rate(4012.2)) == ("20.0", "4,012")
    assert (percent(1), percent(0.9999), percent(0.0001), percent(0)) == ("100 %", "99.9 %", "0.1 %", "0 %")
    assert sparkline([1, 4, 8, 0, 1]) == "▁▄█ ▁"
    assert sparkline([]) == ""


def test_many_clients_that_are_bound_are_counted_and_two_are_told() -> None:
    late = [a_record(number, lag_ms=60) for number in range(30)]
    shown = _shown(body_of_many([a_measurement(late, where=f"n{place}") for place in range(6)]))

    assert shown.count("NOT TRUSTED") == 3
    assert "4 more clients are NOT TRUSTED: -o json has why" in shown
