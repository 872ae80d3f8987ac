from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgectl.inventory.fold import abridged, fold, folded, natural_key, unfold

CASES = [
    ([], []),
    (["fra1"], ["fra1"]),
    (["b", "a"], ["a", "b"]),
    (["n1", "n2", "n3"], ["n[1-3]"]),
    (["n1", "n3"], ["n[1,3]"]),
    (["n01", "n02", "n10"], ["n[01-02,10]"]),
    (["n9", "n10", "n11"], ["n[9-11]"]),
    (["n09", "n10", "n11"], ["n[09-11]"]),
    (["n99", "n100"], ["n[99-100]"]),
    (["n099", "n100"], ["n[099-100]"]),
    (["n1", "n01", "n2", "n02"], ["n[1-2,01-02]"]),
    (["n1", "n1", "n2"], ["n[1-2]"]),
    ([f"fra{pop}-r1-n0{node}" for pop in (1, 2, 3) for node in (1, 2, 3, 4)], ["fra[1-3]-r1-n[01-04]"]),
    (["a1-n1", "a1-n2", "a2-n1"], ["a1-n[1-2]", "a2-n1"]),
    (["n10", "n2", "m1"], ["m1", "n[2,10]"]),
    (["x10-a", "x2-b"], ["x2-b", "x10-a"]),
    (["7", "8"], ["[7-8]"]),
    (["n2-dpu0", "n2", "n2-dpu1"], ["n2", "n2-dpu[0-1]"]),
]

names = st.text(alphabet="ab-019", min_size=1, max_size=7)


@pytest.mark.parametrize(("given_names", "lines"), CASES)
def test_names_fold_to_the_fewest_natural_lines(given_names: list[str], lines: list[str]) -> None:
    assert fold(given_names) == lines


def test_folded_joins_the_lines_to_a_pattern() -> None:
    assert folded(["n1", "n2", "m7"]) == "m7,n[1-2]"


ABRIDGED = [
    ([], 10, ""),
    (["n1", "n2", "m7"], 11, "m7,n[1-2]"),
    (["n1", "n2", "m7"], 5, "m7,n1 and 1 more"),
    (["n1", "n2", "m7", "z1"], 10, "m7,n[1-2] and 1 more"),
    (["n1", "n3", "n5", "n7", "n9"], 8, "n[1,3,5] and 2 more"),
    (["n1", "n3", "n5", "n7", "n9"], 1, "n1 and 4 more"),
    (["n1", "n1", "n1"], 2, "n1"),
    ([f"n{number}" for number in range(0, 4000, 2)], 20, "n[0,2,4,6,8,10,12] and 1,993 more"),
]


@pytest.mark.parametrize(("given_names", "characters", "text"), ABRIDGED)
def test_a_line_too_long_to_read_says_how_many_it_leaves_out(
    given_names: list[str], characters: int, text: str
) -> None:
    assert abridged(given_names, characters) == text


@given(st.lists(names, max_size=60))
@settings(max_examples=300)
def test_unfolding_gives_exactly_the_names_that_were_folded(some: list[str]) -> None:
    lines = fold(some)

    unfolded = [name for line in lines for name in unfold(line)]

    assert sorted(unfolded) == sorted(set(some))


@given(st.lists(names, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_names_does_not_matter(some: list[str], chance: random.Random) -> None:
    shuffled = chance.sample(some, len(some))

    assert fold(shuffled) == fold(some)


def test_natural_order_counts_as_people_do() -> None:
    assert sorted(["n10", "n9", "n1", "m2"], key=natural_key) == ["m2", "n1", "n9", "n10"]


def test_twenty_thousand_names_fold_in_well_under_a_second() -> None:
    many = [f"p{pop}-r{rack}-n{node:02}" for pop in range(500) for rack in (1, 2) for node in range(20)]
    started = time.perf_counter()

    lines = fold(many)

    assert lines == ["p[0-499]-r[1-2]-n[00-19]"]
    assert time.perf_counter() - started < 1
