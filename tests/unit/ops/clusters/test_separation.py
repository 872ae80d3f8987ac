"""What is claimed of hosts that failed alike, and above all what is not."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from edgectl.ops.clusters.separation import Population, Separation

Traits = dict[str, str]


def _hosts(count: int, start: int = 0, *, pops: int = 10, **traits: str) -> dict[str, Traits]:
    """Return hosts dealt out over PoPs, all with these traits."""
    return {f"n{start + number}": {"pop": f"p{number % pops}", **traits} for number in range(count)}


def _at(sites: Mapping[str, int], **traits: str) -> dict[str, Traits]:
    """Return so many hosts of each site, all with these traits."""
    return {
        f"{site}-n{number}": {"pop": site, **traits}
        for site, count in sites.items()
        for number in range(count)
    }


def _found(failed: Mapping[str, Traits], well: Mapping[str, Traits]) -> Separation | None:
    return Population({**failed, **well}, well).separation(list(failed))


def test_firmware_that_only_the_failed_have_is_found() -> None:
    failed = {**_hosts(49, firmware="35.2"), **_hosts(1, 49, firmware="35.1")}
    well = {**_hosts(12, 100, firmware="35.2"), **_hosts(188, 112, firmware="35.1")}

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value) == ("firmware", "35.2")
    assert (found.failed_with, found.failed, found.well_with, found.well) == (49, 50, 12, 200)
    assert found.chance < 1e-20


SILENT: dict[str, tuple[dict[str, Traits], dict[str, Traits]]] = {
    "three hosts": (_hosts(3, hardware="a"), _hosts(500, 100, hardware="b")),
    "four hosts": (_hosts(4, hardware="a"), _hosts(500, 100, hardware="b")),
    "nobody went well": (_hosts(50, hardware="a"), {}),
    "four went well": (_hosts(50, hardware="a"), _hosts(4, 100, hardware="b")),
    "nobody failed": ({}, _hosts(50, hardware="b")),
    "all have it": (_hosts(40, hardware="a"), _hosts(400, 100, hardware="a")),
    "as common among the well": (
        {**_hosts(20, hardware="a"), **_hosts(20, 20, hardware="b")},
        {**_hosts(200, 100, hardware="a"), **_hosts(200, 300, hardware="b")},
    ),
    "hardly commoner than among the well": (
        {**_hosts(30, hardware="a"), **_hosts(10, 30, hardware="b")},
        {**_hosts(200, 100, hardware="a"), **_hosts(200, 300, hardware="b")},
    ),
    "the lesser part of the failed": (
        {**_hosts(12, hardware="a"), **_hosts(28, 20, hardware="b")},
        _hosts(400, 100, hardware="b"),
    ),
    "five of six by chance": (
        {**_hosts(5, hardware="a"), **_hosts(1, 5, hardware="b")},
        {**_hosts(3, 100, hardware="a"), **_hosts(5, 110, hardware="b")},
    ),
    "three whole sites that happen to be of a common make": (
        _at({"d0": 20, "d1": 20, "d2": 20}, hardware="a"),
        {
            **_at({f"a{number}": 20 for number in range(30)}, hardware="a"),
            **_at({f"b{number}": 20 for number in range(70)}, hardware="b"),
        },
    ),
    "three whole sites that happen to be in a large region": (
        _at({"d0": 20, "d1": 20, "d2": 20}, region="eu"),
        {
            **_at({f"a{number}": 20 for number in range(40)}, region="eu"),
            **_at({f"b{number}": 20 for number in range(60)}, region="na"),
        },
    ),
    "one fact for each of two sites": (
        _at({"d0": 20, "d1": 20}, firmware="35.2"),
        _at({f"a{number}": 20 for number in range(20)}, firmware="35.1"),
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_nothing_is_claimed_where_too_little_speaks_for_it(case: str) -> None:
    assert _found(*SILENT[case]) is None


def test_one_site_is_told_as_a_site_and_not_by_what_else_it_shares() -> None:
    failed = _at({"d0": 20}, hardware="a", metro="GRU", region="sa")
    well = {
        **_at({f"a{number}": 2 for number in range(20)}, hardware="a", metro="FRA", region="eu"),
        **_at({f"b{number}": 20 for number in range(20)}, hardware="b", metro="FRA", region="eu"),
    }

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value, found.same) == ("pop", "d0", ())


def test_a_make_is_told_where_many_whole_sites_of_it_failed_and_none_of_another() -> None:
    failed = _at({f"d{number}": 10 for number in range(12)}, hardware="a")
    well = _at({f"b{number}": 10 for number in range(90)}, hardware="b")

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value) == ("hardware", "a")


@pytest.mark.parametrize("others", [{"labels.rev": "a"}, {}], ids=["another label", "no label"])
def test_a_label_is_claimed_where_hosts_of_the_same_site_without_it_are_well(others: Traits) -> None:
    failed = {f"n{number}": {"pop": "p0", "labels.rev": "b"} for number in range(20)}
    well = {f"m{number}": {"pop": "p0", **others} for number in range(30)}

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value) == ("labels.rev", "b")


def test_a_trait_of_one_place_is_claimed_where_others_of_that_place_are_well() -> None:
    failed = _hosts(20, pops=1, board="rev-b")
    well = _hosts(30, 100, pops=1, board="rev-a")

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value) == ("board", "rev-b")


def test_of_traits_that_the_same_hosts_have_the_first_is_told_and_the_others_named() -> None:
    failed = _hosts(30, region="sa", country="BR", metro="GRU", hardware="a")
    found = _found(failed, _hosts(300, 100, region="eu", country="DE", metro="FRA", hardware="b"))

    assert found is not None
    assert (found.name, found.value) == ("hardware", "a")
    assert found.same == (("region", "sa"), ("country", "BR"), ("metro", "GRU"))


def test_equal_counts_of_other_hosts_are_not_the_same_hosts() -> None:
    failed = {**_hosts(18, hardware="a", role="x"), **_hosts(1, 18, hardware="a"), **_hosts(1, 19, role="x")}
    found = _found(failed, _hosts(300, 100, hardware="b", role="y"))

    assert found is not None
    assert found.same == ()


def test_the_better_of_two_that_go_together_is_told() -> None:
    failed = _hosts(40, hardware="a", driver="580.1")
    well = {
        **_hosts(60, 100, hardware="a", driver="575.9"),
        **_hosts(300, 200, hardware="b", driver="575.9"),
    }

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value, found.same) == ("driver", "580.1", ())


def test_a_metro_is_told_where_several_of_its_pops_failed() -> None:
    failed = {f"n{number}": {"metro": "GRU", "pop": f"gru{number % 4}"} for number in range(40)}
    well = {f"m{number}": {"metro": f"M{number % 30}", "pop": f"m{number % 90}"} for number in range(900)}

    found = _found(failed, well)

    assert found is not None
    assert (found.name, found.value) == ("metro", "GRU")


def test_facts_are_compared_among_hosts_that_said_them() -> None:
    failed = {**_hosts(30, firmware="35.2"), **_hosts(10, 30)}
    well = {**_hosts(20, 100, firmware="35.1"), **_hosts(500, 200)}

    found = _found(failed, well)

    assert found is not None
    assert (found.failed_with, found.failed, found.well_with, found.well) == (30, 30, 0, 20)


@pytest.mark.parametrize(
    ("failed", "well"),
    [
        (_hosts(30, firmware="35.2"), _hosts(500, 100)),
        ({**_hosts(10, firmware="35.2"), **_hosts(30, 30)}, _hosts(500, 100, firmware="35.1")),
    ],
    ids=["no well host said it", "most of the failed did not say it"],
)
def test_a_fact_that_only_one_side_tells_says_nothing(
    failed: dict[str, Traits], well: dict[str, Traits]
) -> None:
    assert _found(failed, well) is None


def test_a_label_that_a_host_has_not_is_a_fact_about_it() -> None:
    labelled = {name: {**traits, "labels.rev": "b"} for name, traits in _hosts(30).items()}
    found = _found(labelled, _hosts(300, 100))

    assert found is not None
    assert (found.name, found.well_with, found.well) == ("labels.rev", 0, 300)


def test_what_is_tried_often_must_be_the_less_likely() -> None:
    def found(labels: int) -> Separation | None:
        chance = random.Random(3)  # noqa: S311 - a test has to be repeatable
        noise: list[Traits] = [
            {f"labels.{name}": str(chance.randrange(12)) for name in range(labels)} for _ in range(150)
        ]
        failed = {f"f{number}": {"hardware": "a" if number < 10 else "b"} for number in range(12)}
        well = {f"w{number}": {"hardware": "a" if number < 20 else "b"} for number in range(100)}
        hosts = {
            name: {**noise[number], **traits, "pop": "p0"}
            for number, (name, traits) in enumerate({**failed, **well}.items())
        }
        return Population(hosts, list(well)).separation(list(failed))

    assert found(0) is not None
    assert found(40) is None


def test_chance_alone_is_hardly_ever_told() -> None:
    chance = random.Random(1)  # noqa: S311 - a test has to be repeatable
    hosts = {
        f"n{number}": {
            "pop": f"p{number % 100}",
            "hardware": chance.choice("abc"),
            **{f"labels.{name}": str(chance.randrange(9)) for name in "uvwxyz"},
        }
        for number in range(1_000)
    }

    def told(failed: Sequence[str]) -> bool:
        well = sorted(hosts.keys() - set(failed))
        return Population(hosts, well).separation(failed) is not None

    assert sum(told(chance.sample(sorted(hosts), 40)) for _ in range(60)) == 0


def test_the_order_of_the_hosts_does_not_matter() -> None:
    failed = _hosts(30, hardware="a", role="x")
    well = _hosts(300, 100, hardware="b", role="y")
    backwards = dict(reversed([*failed.items(), *well.items()]))

    assert Population(backwards, list(well)[::-1]).separation(list(failed)[::-1]) == _found(failed, well)


def test_a_host_that_nobody_knows_is_left_out() -> None:
    failed = _hosts(30, hardware="a")
    population = Population({**failed, **_hosts(300, 100, hardware="b")}, [f"n{n}" for n in range(100, 400)])

    found = population.separation([*failed, "gone1", "gone2"])

    assert found is not None
    assert found.failed == 30


def test_sites_that_go_down_as_a_whole_by_chance_are_hardly_ever_given_a_cause() -> None:
    chance = random.Random(2)  # noqa: S311 - a test has to be repeatable
    hosts: dict[str, Traits] = {}
    for site in range(200):
        made = {"hardware": chance.choice("abc"), "region": chance.choice("uvwxyz"), "role": "gpu"}
        hosts |= _at({f"p{site}": 10}, **made)

    def told(dark: Sequence[int]) -> bool:
        failed = [f"p{site}-n{number}" for site in dark for number in range(10)]
        return Population(hosts, sorted(hosts.keys() - set(failed))).separation(failed) is not None

    assert sum(told(chance.sample(range(200), 3 + number % 6)) for number in range(60)) == 0
