"""Distributions and the queue, as the travelling code tells them."""

from __future__ import annotations

import random

from edgectl.remote.bench.curves import quantiles, queue
from edgectl.remote.bench.request import Record
from tests.unit.ops.bench.figures import a_record


def _waiting(growth_s_per_s: float, count: int = 200, noise_ms: float = 20) -> list[Record]:
    """Return requests 50 ms apart whose first token comes later and later."""
    chance = random.Random(1)  # noqa: S311 - reproducible on purpose
    return [
        a_record(number, ttft_ms=100 + number * 50 * growth_s_per_s + chance.uniform(0, noise_ms))
        for number in range(count)
    ]


def test_a_steady_server_has_no_rising_queue() -> None:
    assert queue(_waiting(0.0))["is_rising"] is False


def test_a_server_with_10_percent_too_much_to_do_has_one() -> None:
    found = queue(_waiting(0.1))

    assert found["is_rising"] is True
    assert abs(found["growth_s_per_s"] - 0.1) < 0.01


def test_one_percent_too_much_is_not_called_rising() -> None:
    assert queue(_waiting(0.01))["is_rising"] is False


def test_noise_that_happens_to_rise_is_not_sure() -> None:
    assert queue(_waiting(0.05, count=24, noise_ms=900))["is_rising"] is False


def test_too_few_requests_tell_nothing() -> None:
    assert queue(_waiting(1.0, count=10)) == {"growth_s_per_s": 0.0, "is_rising": False}
    assert queue([]) == {"growth_s_per_s": 0.0, "is_rising": False}


def test_quantiles_go_from_the_least_to_the_most() -> None:
    found = quantiles([a_record(number, ttft_ms=100 + number) for number in range(101)])

    values = dict(zip(found["percents"], found["ttft_ms"], strict=True))
    assert (values[0], values[50], values[100]) == (100, 150, 200)
    assert len(found["tpot_ms"]) == len(found["percents"])


def test_without_a_good_request_there_is_nothing_to_draw() -> None:
    assert quantiles([])["ttft_ms"] == []
