from __future__ import annotations

from pathlib import Path

from edgectl.cli.problems import told
from edgectl.errors import Place, Problem

EMEA, APAC = Path("inventory/pops/emea.yaml"), Path("inventory/pops/apac.yaml")


def test_a_screenful_is_told_one_by_one() -> None:
    problems = [Problem(f"unknown key 'metr{number}'", Place(EMEA, number)) for number in range(40)]

    assert told(problems) == [str(problem) for problem in problems]


def test_a_thousand_of_a_kind_are_three_and_a_number() -> None:
    problems = [
        Problem(f"unknown key 'metr{number}'; did you mean 'metro'?", Place(EMEA, number, 3))
        for number in range(1, 1001)
    ]

    assert told(problems) == [
        "inventory/pops/emea.yaml:1:3   unknown key 'metr1'; did you mean 'metro'?",
        "inventory/pops/emea.yaml:2:3   unknown key 'metr2'; did you mean 'metro'?",
        "inventory/pops/emea.yaml:3:3   unknown key 'metr3'; did you mean 'metro'?",
        "  and 997 more like it, the last at inventory/pops/emea.yaml:1000:3",
        "all of them: -o json",
    ]


def test_few_of_another_kind_are_not_lost_among_many() -> None:
    many = [Problem(f"host fra{number} appears twice", Place(EMEA, number)) for number in range(1, 60)]
    far = Problem("host fra60 appears twice", Place(APAC, 7))
    odd = Problem("this is not YAML: a tab", Place(APAC, 1))

    lines = told([odd, *many, far])

    assert lines[0] == str(odd)
    assert lines[4] == "  and 57 more like it, in 2 files, the last at inventory/pops/apac.yaml:7:1"


def test_even_many_kinds_are_bounded() -> None:
    words = [f"{first}{second}" for first in "abcdefghij" for second in "klmnopqrst"]
    problems = [Problem(f"complaint {word}", Place(EMEA, line)) for line, word in enumerate(words, 1)]

    lines = told(problems)

    assert len(lines) == 14
    assert lines[-2] == "and 88 problems of 88 other kinds"


def test_what_stands_nowhere_is_counted_too() -> None:
    assert told([Problem(f"no place {number}") for number in range(100)])[3] == "  and 97 more like it"
