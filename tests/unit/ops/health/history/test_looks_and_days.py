from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from edgectl.engine.health_records import CardRecord
from edgectl.ops.health.history.days import Day, days_of, pack_days, week_of, with_day
from edgectl.ops.health.history.looks import KEPT_LOOKS, base_of, earlier_of, latest, looks_of, with_look
from edgectl.ops.health.observed_gpu import Gpu
from tests.fakes.clock import START
from tests.unit.ops.health.history.cards import a_card

QUARTER = timedelta(minutes=15)


def a_record(gpu: Gpu, at: datetime = START, boot: str = "b1") -> CardRecord:
    packed = with_look(b"", gpu, boot, at)
    return CardRecord("GPU-a", "1650", "RTX", "n1", "00000000:41:00.0", at, at, boot, "580", packed)


def test_a_look_is_read_back_and_what_was_not_read_is_absent() -> None:
    gpu = a_card(temperature_c=61.5, pcie_replays=2**40 + 1, remap_banks=(190, 1, 1, 0, 0))
    look = latest(with_look(b"", gpu, "b1", START))

    assert look is not None
    assert (look.at, look.banks) == (START, (190, 1, 1, 0, 0))
    assert dict(look.readings) == {"temperature_c": 61.5, "pcie_replays": float(2**40 + 1)}


def test_twenty_looks_are_kept_the_latest_first() -> None:
    packed = b""
    for number in range(KEPT_LOOKS + 5):
        packed = with_look(packed, a_card(temperature_c=float(number)), "b1", START + number * QUARTER)
    looks = list(looks_of(packed))

    assert [look.readings["temperature_c"] for look in looks] == [float(n) for n in range(24, 4, -1)]
    assert latest(packed) == looks[0]
    assert len(packed) < 2_000


@pytest.mark.parametrize("packed", [b"", b"\x02of a newer edgectl"])
def test_looks_that_cannot_be_read_are_none_and_are_begun_anew(packed: bytes) -> None:
    assert (list(looks_of(packed)), latest(packed)) == ([], None)
    assert len(list(looks_of(with_look(packed, a_card(), "b1", START)))) == 1


def test_the_earlier_look_of_a_card_is_the_same_boot_s_alone() -> None:
    record = a_record(a_card(pcie_replays=7, temperature_c=60.0))
    earlier = earlier_of(record, "b1", START + QUARTER)

    assert earlier is not None
    assert (earlier.seconds, earlier.gpu.pcie_replays, earlier.gpu.temperature_c) == (900.0, 7, 60.0)
    assert isinstance(earlier.gpu.pcie_replays, int)
    assert earlier_of(record, "b2", START + QUARTER) is None
    assert earlier_of(record, "b1", START) is None
    assert earlier_of(replace(record, looks=b""), "b1", START + QUARTER) is None


def counted(looks: list[tuple[datetime, str, Gpu]]) -> list[Day]:
    """Return the days of a week behind looks, each compared with the one before."""
    packed, record = b"", None
    for at, boot, gpu in looks:
        packed = with_day(packed, gpu, base_of(record, boot), at)
        record = a_record(gpu, at, boot)
    return list(days_of(packed))


def test_a_day_has_the_spread_of_its_looks() -> None:
    looks = [
        (START + number * QUARTER, "b1", a_card(temperature_c=heat, power_w=400.0, margin_c=90 - heat))
        for number, heat in enumerate((60.0, 70.0, 80.0))
    ]
    (day,) = counted(looks)

    assert (day.looks, day.temperature_mean, day.temperature_min, day.temperature_max) == (3, 70, 60, 80)
    assert (day.power_mean, day.margin_min) == (400.0, 10.0)


def test_counters_grow_by_their_difference_and_from_zero_behind_a_reboot() -> None:
    looks = [
        (START, "b1", a_card(pcie_replays=1_000, hw_thermal_slowdown_us=0)),
        (START + QUARTER, "b1", a_card(pcie_replays=1_004, hw_thermal_slowdown_us=2_000_000)),
        (START + 2 * QUARTER, "b2", a_card(pcie_replays=3, hw_thermal_slowdown_us=500_000)),
        (START + 3 * QUARTER, "b3", a_card(pcie_replays=5, hw_thermal_slowdown_us=0)),
    ]
    (day,) = counted(looks)

    assert (day.pcie_replays, day.thermal_s) == (4 + 3 + 5, 2.5)


def test_the_first_look_at_a_card_counts_nothing_as_grown() -> None:
    (day,) = counted([(START, "b1", a_card(pcie_replays=1_000_000))])

    assert day.pcie_replays == 0


def test_a_reading_that_comes_and_goes_neither_grows_nor_is_zero() -> None:
    looks = [
        (START, "b1", a_card(temperature_c=60.0, pcie_replays=5)),
        (START + QUARTER, "b1", a_card()),
        (START + 2 * QUARTER, "b1", a_card(temperature_c=62.0, pcie_replays=9)),
    ]
    (day,) = counted(looks)

    assert (day.looks, day.temperature_mean, day.pcie_replays) == (3, 61.0, 0)


def test_each_day_of_a_week_has_its_own_figures() -> None:
    dates = [START + timedelta(days=number) for number in range(7)]
    week = [at for at in dates if week_of(at) == week_of(START)]
    looks = [(at, "b1", a_card(temperature_c=60.0 + number)) for number, at in enumerate(week)]

    assert [day.temperature_mean for day in counted(looks)] == [60.0 + number for number in range(len(week))]


def test_days_that_another_edgectl_packed_otherwise_are_begun_anew() -> None:
    assert list(days_of(b"\x02what")) == []
    assert len(list(days_of(with_day(b"\x02what", a_card(), None, START)))) == 1
    (day,) = counted([(START, "b1", a_card(temperature_c=60.0))])
    assert str(list(days_of(pack_days([day])))) == str([day])
