from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from edgectl.ops.bench.intervals import alternating, change_interval, mean_interval, student_t

# Two-sided quantiles of Student's t, as every statistics book prints them.
TABLE = [
    (1, 0.05, 12.706),
    (2, 0.05, 4.303),
    (3, 0.05, 3.182),
    (4, 0.05, 2.776),
    (8, 0.05, 2.306),
    (30, 0.01, 2.750),
]


@pytest.mark.parametrize(("freedom", "outside", "expected"), TABLE)
def test_quantiles_are_those_of_the_table(freedom: float, outside: float, expected: float) -> None:
    assert student_t(freedom, outside) == pytest.approx(expected, abs=0.0006)


def test_many_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert student_t(1e6, 0.05) == pytest.approx(1.96, abs=0.001)


@pytest.mark.parametrize(("freedom", "outside"), [(0.5, 0.05), (4, 0.0), (4, 1.0)])
def test_what_has_no_quantile_is_refused(freedom: float, outside: float) -> None:
    with pytest.raises(ValueError, match="degree of freedom"):
        student_t(freedom, outside)


def test_one_repeat_tells_nothing_of_how_repeats_vary() -> None:
    assert mean_interval([5.0], 0.95) is None
    assert change_interval([5.0], [5.0, 6.0], 0.95, is_in_turns=False) is None


def test_a_figure_that_is_not_above_zero_has_no_ratio() -> None:
    assert change_interval([1.0, 0.0], [1.0, 1.0], 0.95, is_in_turns=True) is None


def test_repeats_that_do_not_vary_leave_no_doubt() -> None:
    found = change_interval([10.0, 10.0], [11.0, 11.0], 0.95, is_in_turns=False)

    assert found is not None
    assert (found.point, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_a_doubling_and_a_halving_are_mirror_images() -> None:
    up = change_interval([9.0, 10.0, 11.0], [19.0, 20.0, 21.5], 0.95, is_in_turns=False)
    down = change_interval([19.0, 20.0, 21.5], [9.0, 10.0, 11.0], 0.95, is_in_turns=False)

    assert up is not None
    assert down is not None
    assert (1 + up.low) * (1 + down.high) == pytest.approx(1)
    assert (1 + up.point) * (1 + down.point) == pytest.approx(1)


def test_a_steady_drift_over_the_session_is_taken_out_of_turns() -> None:
    heat = [100 * 1.03**position for position in range(10)]
    order = alternating(5)
    before, after = (
        [value * (1.1 if side else 1.0) for value, at in zip(heat, order, strict=True) if at == side]
        for side in (0, 1)
    )

    in_turns = change_interval(before, after, 0.95, is_in_turns=True)
    apart = change_interval(before, after, 0.95, is_in_turns=False)

    assert in_turns is not None
    assert apart is not None
    assert (in_turns.low, in_turns.high) == pytest.approx((0.1, 0.1))
    assert apart.low < 0


def test_turns_begin_with_each_server_alike() -> None:
    assert alternating(4) == [0, 1, 1, 0, 0, 1, 1, 0]


@pytest.mark.parametrize("is_in_turns", [True, False])
def test_the_interval_holds_the_truth_as_often_as_it_says(*, is_in_turns: bool) -> None:
    chance = random.Random(3)  # noqa: S311 - reproducible on purpose
    held = []
    for _ in range(2000):
        before = [math.exp(chance.gauss(0, 0.05)) for _ in range(5)]
        after = [1.1 * math.exp(chance.gauss(0, 0.05)) for _ in range(5)]
        found = change_interval(before, after, 0.95, is_in_turns=is_in_turns)
        assert found is not None
        held.append(found.low <= 0.1 <= found.high)

    assert fmean(held) == pytest.approx(0.95, abs=0.015)
