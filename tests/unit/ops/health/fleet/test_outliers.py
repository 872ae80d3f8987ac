from __future__ import annotations

import dataclasses
import random

import pytest

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.ops.health.fleet.outliers import CardReading, compare
from edgectl.ops.health.observed_gpu import Gpu

RULES = load_fleet_rules().outliers
PLACES = {"pop": "fra1", "metro": "FRA", "region": "eu"}


def cards(values: list[float], reading: str = "temperature_c", **more: object) -> list[CardReading]:
    prefix = str(more.pop("prefix", "c"))
    changes = {"name": "RTX", "driver": "580", "places": PLACES, **more}
    return [
        CardReading(
            card=f"{prefix}{number}",
            host=f"{prefix}-n{number}",
            label="0",
            readings={reading: value, "utilization_percent": 90.0},
            **changes,  # type: ignore[arg-type]
        )
        for number, value in enumerate(values)
    ]


def told(found: list[CardReading]) -> list[str]:
    return [f"{one.card.card} {one}" for one in compare(found, RULES).outliers]


def test_one_hot_card_among_cool_ones_is_told_with_its_peers() -> None:
    assert told(cards([71.0] * 15 + [89.0])) == ["c15 15 of 15 peers in fra1: 71 °C, this one 89 °C"]


def test_two_hot_cards_are_told_with_those_that_are_not() -> None:
    assert told(cards([70.0, 71.0, 72.0] * 5 + [89.0, 90.0]))[0].startswith(
        "c15 15 of 16 peers in fra1: 71 °C"
    )


NEAR = [
    ([50.0] * 15 + [61.9], "below the least difference, whatever the spread"),
    ([50.0] * 15 + [30.0], "cooler than its peers is not worse"),
    ([40.0, 50.0, 60.0, 70.0, 80.0, 45.0, 55.0, 65.0, 75.0, 85.0], "a wide cohort has no outlier"),
    ([50.0] * 4 + [89.0], "fewer than five peers say nothing"),
    ([50.0] * 8 + [89.0] * 8, "half of a cohort is no outlier of the other half"),
]


@pytest.mark.parametrize(("values", "why"), NEAR, ids=[why for _, why in NEAR])
def test_what_is_no_outlier_is_not_told(values: list[float], why: str) -> None:
    assert told(cards(values)) == [], why


def test_a_pop_with_too_few_peers_is_widened_to_its_metro_then_further() -> None:
    hot = cards([50.0, 50.0, 89.0], prefix="a")
    for width, place in (
        ("metro", {"pop": "fra2", "metro": "FRA", "region": "eu"}),
        ("region", {"pop": "lhr1", "metro": "LHR", "region": "eu"}),
        ("fleet", {"pop": "gru1", "metro": "GRU", "region": "sa"}),
    ):
        (one,) = compare([*hot, *cards([50.0] * 4, prefix="b", places=place)], RULES).outliers
        assert (one.card.card, one.peers.width, one.peers.count) == ("a2", width, 7)


@pytest.mark.parametrize("differing", [{"name": "L4"}, {"driver": "595"}])
def test_another_product_or_driver_is_no_peer(differing: dict[str, str]) -> None:
    assert told([*cards([50.0] * 4 + [89.0]), *cards([50.0] * 9, prefix="x", **differing)]) == []


def test_a_busy_card_is_not_compared_with_idle_ones() -> None:
    idle = [
        dataclasses.replace(card, readings={"temperature_c": 35.0, "utilization_percent": 0.0})
        for card in cards([0.0] * 9, prefix="idle")
    ]
    assert told([*idle, *cards([71.0])]) == []


def test_a_limit_that_somebody_lowered_is_told_whatever_the_load() -> None:
    assert told(cards([600.0] * 7 + [450.0], "power_limit_w")) == [
        "c7 7 of 7 peers in fra1: 600 W, this one 450 W"
    ]


def test_a_card_without_the_reading_is_not_judged() -> None:
    without = CardReading("c99", "n", "0", "RTX", "580", PLACES, {})
    compared = compare([*cards([50.0] * 9), without], RULES)

    assert "c99" not in compared.judged["outlier-temperature"]
    assert len(compared.judged["outlier-temperature"]) == 9


def test_equal_cards_with_a_little_noise_never_alarm() -> None:
    source = random.Random(3)  # noqa: S311 - data
    for _ in range(50):
        assert told(cards([source.gauss(60, 2) for _ in range(16)])) == []


def test_every_metric_is_a_reading_of_a_card() -> None:
    readings = {field.name for field in dataclasses.fields(Gpu)}

    assert {metric.reading for metric in RULES.metrics} <= readings
