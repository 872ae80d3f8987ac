from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.ops.clusters.odds import chance_of_so_many


def _exactly(drawn_with: int, drawn: int, having: int, total: int) -> float:
    ways = sum(
        math.comb(having, count) * math.comb(total - having, drawn - count)
        for count in range(drawn_with, min(drawn, having) + 1)
    )
    return float(Fraction(ways, math.comb(total, drawn)))


@given(st.data())
def test_it_is_the_tail_of_the_hypergeometric_distribution(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 60))
    having, drawn = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    drawn_with = data.draw(st.integers(max(0, having + drawn - total), min(having, drawn)))

    chance = chance_of_so_many(drawn_with, drawn, having, total)

    assert chance == pytest.approx(_exactly(drawn_with, drawn, having, total), rel=1e-9)


def test_it_is_exact_for_a_fleet_of_twenty_thousand() -> None:
    assert chance_of_so_many(70, 400, 1_600, 20_000) == pytest.approx(
        _exactly(70, 400, 1_600, 20_000), rel=1e-6
    )


def test_what_can_hardly_be_is_zero_and_not_an_error() -> None:
    assert chance_of_so_many(4_000, 4_000, 4_000, 20_000) == 0.0


# R. A. Fisher's tea: four cups of eight, all four right.
def test_a_lady_who_names_all_four_cups_guesses_so_once_in_seventy() -> None:
    assert chance_of_so_many(4, 4, 4, 8) == pytest.approx(1 / 70)
