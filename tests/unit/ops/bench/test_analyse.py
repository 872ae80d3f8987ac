from __future__ import annotations

import pytest

from edgectl.errors import ExitCode
from edgectl.ops.bench.analyse import bench_exit_code, fleet_figures, goodput
from tests.unit.ops.bench.figures import a_measurement, a_record

SLO = {"ttft_ms": 300, "tpot_ms": 40}


@pytest.mark.parametrize(
    ("slow", "broken", "share", "met"),
    [(0, 0, 1.0, True), (1, 0, 0.99, True), (2, 0, 0.98, False), (1, 4, 0.95, False), (0, 100, 0.0, False)],
)
def test_goodput_is_the_share_of_all_requests_that_met_every_limit(
    slow: int, broken: int, share: float, met: bool
) -> None:
    records = [
        a_record(
            number, ttft_ms=400 if number < slow else 100, error="reset" if number >= 100 - broken else ""
        )
        for number in range(100)
    ]

    found = goodput(a_measurement(records, slo=SLO))

    assert found is not None
    assert found.share == pytest.approx(share)
    assert found.is_met is met


def test_a_limit_counts_from_when_the_request_was_due() -> None:
    records = [a_record(number, ttft_ms=250, lag_ms=60) for number in range(4)]

    found = goodput(a_measurement(records, slo={"ttft_ms": 300}))

    assert found is not None
    assert found.share == 0


def test_without_limits_there_is_no_goodput() -> None:
    assert goodput(a_measurement([a_record(0)])) is None


def test_a_fleet_adds_rates_and_never_averages_percentiles() -> None:
    quick = a_measurement([a_record(number, ttft_ms=100) for number in range(300)])
    slow = a_measurement([a_record(number, ttft_ms=300) for number in range(300)])

    found = fleet_figures([quick, slow])

    assert (found.hosts, found.sent, found.ok) == (2, 600, 600)
    assert found.requests_per_s == pytest.approx(quick.requests_per_s + slow.requests_per_s)
    assert found.ttft_p50_ms == pytest.approx(200)
    assert found.ttft_p99_ms == pytest.approx(300)


@pytest.mark.parametrize(
    ("run", "cpu", "code"),
    [
        (ExitCode.DONE, 0.1, ExitCode.DONE),
        (ExitCode.DONE, 0.95, ExitCode.STOPPED),
        (ExitCode.FAILED, 0.1, ExitCode.FAILED),
        (ExitCode.FAILED, 0.95, ExitCode.STOPPED),
        (ExitCode.UNREACHABLE, 0.1, ExitCode.UNREACHABLE),
        (ExitCode.INTERRUPTED, 0.95, ExitCode.INTERRUPTED),
    ],
)
def test_figures_of_the_client_are_never_a_success(run: ExitCode, cpu: float, code: ExitCode) -> None:
    assert bench_exit_code(run, [a_measurement([a_record(0)], cpu=cpu)]) == code
