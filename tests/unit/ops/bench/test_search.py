"""Which rate is tried next, and where a search ends."""

from __future__ import annotations

import pytest

from edgectl.errors import UsageError
from edgectl.ops.bench.points_told import RATES, STREAMS
from edgectl.ops.bench.search import Held, Tried, found_so_far, next_rate, requests_for
from edgectl.ops.bench.sweep import loads_of


def _search(capacity: float, start: float, at_capacity: Held = Held.MISSED) -> list[Tried]:
    """Search a server that holds every rate up to its capacity, and none above."""
    tried: list[Tried] = []
    while (rate := next_rate(tried, start)) is not None:
        tried.append(Tried(rate, Held.MET if rate <= capacity else at_capacity))
    return tried


@pytest.mark.parametrize("capacity", [0.3, 1.0, 7.3, 41.7, 1000.0])
@pytest.mark.parametrize("start", [0.5, 1.0, 100.0])
@pytest.mark.parametrize("at_capacity", [Held.MISSED, Held.RISING])
def test_the_highest_rate_is_found_within_5_percent(capacity: float, start: float, at_capacity: Held) -> None:
    tried = _search(capacity, start, at_capacity)
    found = found_so_far(tried)

    assert found.low is not None
    assert found.high is not None
    assert found.low <= capacity < found.high
    assert found.high / found.low <= 1.05
    assert len(tried) <= 17


def test_no_rate_is_tried_twice() -> None:
    rates = [one.rate for one in _search(41.7, 1.0)]

    assert len(rates) == len(set(rates))


def test_a_server_that_holds_nothing_ends_the_search() -> None:
    tried = _search(0.0, 1.0)

    assert found_so_far(tried).low is None
    assert tried[-1].rate < 0.02


def test_a_server_that_holds_everything_ends_it_too() -> None:
    tried = _search(1e12, 1.0)

    assert found_so_far(tried).high is None
    assert len(tried) == 24


def test_a_rate_that_held_above_one_that_did_not_was_luck() -> None:
    tried = [Tried(8, Held.MET), Tried(16, Held.MISSED), Tried(18, Held.MET), Tried(32, Held.MISSED)]

    assert (found_so_far(tried).low, found_so_far(tried).high) == (8, 16)


def test_a_point_is_as_long_as_was_asked_for_and_has_so_many_requests() -> None:
    assert requests_for(2, 30, 300) == 300
    assert requests_for(100, 30, 300) == 3000


def test_loads_are_rates_or_requests_in_flight() -> None:
    assert loads_of("1, 2,4.5", None) == ([1, 2, 4.5], RATES)
    assert loads_of(None, "4,2") == ([4, 2], STREAMS)
    assert loads_of(None, None) == ([1, 2, 4, 8, 16, 32], STREAMS)


@pytest.mark.parametrize(
    ("rates", "streams", "said"),
    [
        ("1,x", None, "--rates: rates such as"),
        ("0", None, "--rates: rates such as"),
        ("", None, "--rates: rates such as"),
        (None, "1.5", "--streams: whole numbers"),
        ("1", "1", "exclude each other"),
    ],
)
def test_other_loads_are_refused_in_words(rates: str | None, streams: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loads_of(rates, streams)
