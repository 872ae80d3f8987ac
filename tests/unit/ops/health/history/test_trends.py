from __future__ import annotations

import random

import pytest

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.ops.health.history.days import Day
from edgectl.ops.health.history.slope import theil_sen
from edgectl.ops.health.history.trends import trends
from tests.unit.ops.health.history.cards import FIRST, a_day, banks

RULES = load_fleet_rules().trends


def told(days: list[Day]) -> list[str]:
    return [str(one) for one in trends(days, RULES)]


def test_the_slope_of_a_line_is_the_line_s() -> None:
    slope = theil_sen([(day, 2.0 * day + 1) for day in range(10)])

    assert slope is not None
    assert (slope.per_day, slope.is_sure) == (2.0, True)


def test_a_quarter_of_odd_days_does_not_bend_a_slope() -> None:
    points = [(float(day), 2.0 * day) for day in range(20)]
    points[3], points[9], points[17], points[12] = (3, 500.0), (9, -400.0), (17, 900.0), (12, 0.0)
    slope = theil_sen(points)

    assert slope is not None
    assert slope.per_day == pytest.approx(2.0, abs=0.2)


def test_the_interval_holds_the_slope_in_most_samples_and_not_zero_for_nothing() -> None:
    source = random.Random(17)  # noqa: S311 - data
    held = sure = 0
    for _ in range(400):
        slope = theil_sen([(float(day), 0.5 * day + source.gauss(0, 3)) for day in range(28)])
        flat = theil_sen([(float(day), source.gauss(0, 3)) for day in range(28)])
        assert slope is not None
        assert flat is not None
        held += slope.low <= 0.5 <= slope.high
        sure += flat.is_sure

    assert held > 0.93 * 400
    assert sure < 0.08 * 400


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0), (1.0, 2.0)], [(0.0, 1.0)] * 5])
def test_too_few_days_have_no_slope(points: list[tuple[float, float]]) -> None:
    assert theil_sen(points) is None


def test_a_card_that_changes_nothing_tells_nothing() -> None:
    assert told([a_day(number) for number in range(28)]) == []


def test_a_bank_that_loses_its_spare_rows_has_a_date() -> None:
    days = [a_day(number, **banks(4 - number // 9)) for number in range(28)]
    (trend,) = trends(days, RULES)

    assert trend.weeks_left == pytest.approx(1.3, abs=0.4)
    assert str(trend) == "a memory bank runs out of spare rows in about a week"


def test_a_bank_that_loses_them_slowly_has_a_later_date() -> None:
    days = [a_day(number, **banks(4 if number < 3 else 3 if number < 24 else 2)) for number in range(28)]

    for trend in trends(days, RULES):
        assert trend.weeks_left is not None
        assert trend.weeks_left > 3


SHORT = [
    ([4] * 14 + [3] * 14, "one step is no pace"),
    ([4, 3, 2, 2, 2, 2, 2], "a week is too short"),
    ([3] * 28, "what does not go on has no end"),
    ([2] * 14 + [3] * 14, "a card that was repaired has no end"),
]


@pytest.mark.parametrize(("levels", "why"), SHORT, ids=[why for _, why in SHORT])
def test_no_date_is_told_that_the_days_do_not_bear(levels: list[int], why: str) -> None:
    assert told([a_day(number, **banks(level)) for number, level in enumerate(levels)]) == [], why


def test_a_bank_without_spare_rows_is_told_at_once() -> None:
    assert told([a_day(number, **banks(0)) for number in range(7)]) == [
        "a memory bank has no spare rows left"
    ]


def test_a_card_that_runs_ever_hotter_at_the_same_power_is_told() -> None:
    days = [a_day(number, heat=58 + 0.3 * number) for number in range(28)]

    assert told(days) == ["runs hotter at the same power: +2.1 °C a week over 28 days, now 65.8"]


def test_more_heat_from_more_power_is_no_drift() -> None:
    assert told([a_day(number, heat=58 + 0.3 * number, power=300 + 8 * number) for number in range(28)]) == []


def test_a_few_hot_days_are_no_drift() -> None:
    assert told([a_day(number, heat=85 if number > 24 else 60) for number in range(28)]) == []


@pytest.mark.parametrize("figure", ["ecc_corrected", "pcie_replays", "pcie_correctable"])
def test_counters_that_grow_ever_faster_are_told(figure: str) -> None:
    days = [a_day(number, **{figure: 20.0 * number}) for number in range(28)]

    assert [trend.figure for trend in trends(days, RULES)] == [figure]
    assert told([a_day(number, **{figure: 500.0}) for number in range(28)]) == []


def test_days_of_long_ago_and_gaps_between_days_do_no_harm() -> None:
    days = [a_day(number, heat=58 + 0.3 * number) for number in range(60) if number % 5]

    (trend,) = trends(days, RULES)
    assert trend.per_week == pytest.approx(2.1, abs=0.01)
    assert trend.days <= RULES.window_days


def test_a_reading_that_a_card_lacks_tells_nothing() -> None:
    nothing = [Day(FIRST + number, looks=96.0) for number in range(28)]

    assert told(nothing) == []
    assert told([]) == []


def test_random_days_hardly_ever_drift() -> None:
    source = random.Random(19)  # noqa: S311 - data
    drifting = sum(
        bool(trends([a_day(number, heat=source.gauss(60, 4)) for number in range(28)], RULES))
        for _ in range(300)
    )

    assert drifting <= 3
