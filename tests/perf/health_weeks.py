"""Four weeks of a made-up fleet's health, written as rows of the same shape and entropy as the real ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from edgectl.catalog.rules_model import Severity
from edgectl.engine.health_records import (
    CardPlace,
    CardRecord,
    HealthChange,
    HealthHistory,
    HealthKept,
    HealthState,
    Phase,
    Turn,
    WeekRecord,
)
from edgectl.inventory.model import Host
from edgectl.ops.health.history.days import DAYS_OF_WEEK, Day, ordinal_of, pack_days
from edgectl.ops.health.history.looks import KEPT_LOOKS, with_look
from edgectl.ops.health.history.subjects import node_subject
from edgectl.ops.health.observed import Collector, KernelLog, Node
from edgectl.ops.health.observed_gpu import Gpu, GpuState

CARDS = 4
SAMPLE_S = 900
LOOKS_OF_DAY = 86_400 // SAMPLE_S
NAME = "NVIDIA RTX PRO 6000 Blackwell Server Edition"
_HOSTS_ABREAST = 1_000
# So many cards differ from each other; more would be as large, and take minutes to make.
_DIFFERENT = 500
_SICK = 0.01
# Of the cards that differ, so many run hotter from week to week, repeat ever more packets, and use up their spare rows.
_HEATING, _REPEATING, _WEARING = 3, 2, 1
# Every so many PoPs the cooling is down; one host in so many fails again and again.
_HOT_POP, _LEMON = 200, 400
_RNG = random.Random(5)  # noqa: S311 - data, not a secret


class Ageing(NamedTuple):
    """How much a card changes a day: degrees, repeated packets, remapped rows."""

    heat_c: float = 0.0
    replays: int = 0
    rows: int = 0


def fill(history: HealthHistory, hosts: Sequence[Host], now: datetime, days: int) -> None:
    """Put four weeks on record: each card with its looks and weeks, some findings, some changes."""
    looks = [_packed_looks(now) for _ in range(_DIFFERENT)]
    weeks = [_weeks(now, days, _ageing(number)) for number in range(_DIFFERENT)]
    pops = {name: number for number, name in enumerate(sorted({host.pop.name for host in hosts}))}
    for first in range(0, len(hosts), _HOSTS_ABREAST):
        some = hosts[first : first + _HOSTS_ABREAST]
        cards = [_card(host, number, looks, now) for host in some for number in range(CARDS)]
        history.keep(
            HealthKept(
                cards=[*cards, *(_node(host, now) for host in some)],
                places=[CardPlace(one.card, one.since, one.host, one.slot) for one in cards],
                weeks=[
                    WeekRecord(one.card, week, packed)
                    for one in cards
                    for week, packed in weeks[_RNG.randrange(_DIFFERENT)]
                ],
                states=[
                    *(_state(one, now) for one in cards if _RNG.random() < _SICK),
                    *(_hot(host, now) for host in some if pops[host.pop.name] % _HOT_POP == 0),
                ],
                changes=[
                    *(change for one in cards for change in _changes(one, now, days)),
                    *(change for host in some[::_LEMON] for change in _failures(host, now)),
                ],
            )
        )


def _ageing(number: int) -> Ageing:
    """Return how one of the cards that differ changes: most do not."""
    kinds = [Ageing(heat_c=0.3)] * _HEATING + [Ageing(replays=20)] * _REPEATING + [Ageing(rows=8)] * _WEARING
    return kinds[number] if number < len(kinds) else Ageing()


def _hot(host: Host, now: datetime) -> HealthState:
    since, card = now - timedelta(hours=3), uuid_of(host, 0)
    return HealthState(card, "temperature", host.name, "0", Severity.WARNING, Phase.ACTIVE, since, now, 0xFFF)


def _failures(host: Host, now: datetime) -> Iterator[HealthChange]:
    card = uuid_of(host, 0)
    for week in range(4):
        at = now - timedelta(days=7 * week + 1)
        yield HealthChange(at, host.name, card, "0", "xid-79", Severity.CRITICAL, Turn.ENTERED, "found")


def a_node(host: Host, now: datetime) -> Node:
    """Return what a host says at its next look."""
    del now
    gpus = [_gpu(_RNG, uuid_of(host, number), slot_of(number)) for number in range(CARDS)]
    return Node(Collector.NVML, "580.105.08", "6.8.0-88", f"boot-{host.name}", gpus, (), KernelLog("journal"))


def uuid_of(host: Host, number: int) -> str:
    source = random.Random(f"{host.name}/{number}")  # noqa: S311 - as above
    digits = f"{source.getrandbits(128):032x}"
    return f"GPU-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def slot_of(number: int) -> str:
    return f"00000000:{0x41 + 0x10 * number:02X}:00.0"


def _gpu(rng: random.Random, uuid: str = "GPU", slot: str = "") -> Gpu:
    return Gpu(
        index=0,
        state=GpuState.OK,
        uuid=uuid,
        serial="1650000000000",
        name=NAME,
        pci_bus_id=slot,
        temperature_c=round(rng.gauss(60, 4)),
        memory_temperature_c=round(rng.gauss(66, 4)),
        margin_c=round(rng.gauss(30, 4)),
        power_w=round(rng.gauss(410, 60), 2),
        power_limit_w=600.0,
        clock_sm_mhz=rng.randrange(1_500, 2_400),
        memory_used_mib=rng.randrange(60_000, 90_000),
        utilization_percent=rng.randrange(60, 100),
        pcie_gen=5,
        pcie_width=16,
        sw_thermal_slowdown_us=rng.randrange(10**9),
        sw_power_cap_us=rng.randrange(10**9),
        ecc_volatile_corrected=rng.randrange(3),
        ecc_volatile_uncorrected=0,
        remapped_rows_uncorrected=0,
        pcie_replays=rng.randrange(4),
        remap_banks=(192, 0, 0, 0, 0),
    )


def _packed_looks(now: datetime) -> bytes:
    packed = b""
    for number in range(KEPT_LOOKS):
        at = now - timedelta(seconds=SAMPLE_S * (KEPT_LOOKS - number))
        packed = with_look(packed, _gpu(_RNG), "boot", at)
    return packed


def _weeks(now: datetime, days: int, ageing: Ageing) -> list[tuple[int, bytes]]:
    last = ordinal_of(now)
    by_week: dict[int, list[Day]] = {}
    for age, ordinal in enumerate(range(last - days + 1, last + 1)):
        by_week.setdefault(ordinal // DAYS_OF_WEEK, []).append(_day(ordinal, age, ageing))
    return [(week, pack_days(of_week)) for week, of_week in by_week.items()]


def _day(ordinal: int, age: int, ageing: Ageing) -> Day:
    looks, power = float(LOOKS_OF_DAY), _RNG.gauss(410, 30)
    mean = _RNG.gauss(60, 2) + age * ageing.heat_c
    # The worst bank has most of its spare rows at first, then some, then few.
    levels = [0.0] * 3
    if ageing.rows:
        levels[min(age // 10, 2)] = 1.0
    return Day(
        ordinal=float(ordinal),
        looks=looks,
        temperature_n=looks,
        temperature_sum=looks * mean,
        temperature_min=mean - 12,
        temperature_max=mean + 12,
        power_n=looks,
        power_sum=looks * power,
        power_max=power + 150,
        margin_min=_RNG.gauss(20, 3),
        ecc_corrected=float(_RNG.randrange(4)),
        pcie_replays=float(_RNG.randrange(30) + age * ageing.replays),
        thermal_s=_RNG.random() * 30,
        rows=float(age * ageing.rows),
        banks_all=192.0 - sum(levels),
        banks_most=levels[0],
        banks_some=levels[1],
        banks_few=levels[2],
        banks_none=0.0,
    )


def _card(host: Host, number: int, looks: Sequence[bytes], now: datetime) -> CardRecord:
    since = now - timedelta(days=60)
    packed = looks[_RNG.randrange(_DIFFERENT)]
    seen = now - timedelta(seconds=SAMPLE_S)
    return CardRecord(
        uuid_of(host, number),
        f"16500{_RNG.randrange(10**8):08d}",
        NAME,
        host.name,
        slot_of(number),
        since,
        seen,
        f"boot-{host.name}",
        "580.105.08",
        packed,
    )


def _node(host: Host, now: datetime) -> CardRecord:
    since, seen = now - timedelta(days=60), now - timedelta(seconds=SAMPLE_S)
    boot = f"boot-{host.name}"
    return CardRecord(
        node_subject(host.name), "", "6.8.0-88", host.name, "", since, seen, boot, "580.105.08", b""
    )


def _state(card: CardRecord, now: datetime) -> HealthState:
    finding, severity = _RNG.choice(
        [
            ("row-remap-pending", Severity.WARNING),
            ("pcie-width", Severity.WARNING),
            ("xid-79", Severity.CRITICAL),
        ]
    )
    return HealthState(
        card.card, finding, card.host, "0", severity, Phase.ACTIVE, now - timedelta(days=2), now, 0xFFFFFFFF
    )


def _changes(card: CardRecord, now: datetime, days: int) -> Iterator[HealthChange]:
    for _ in range(_RNG.randrange(4)):
        at = now - timedelta(days=_RNG.randrange(days))
        for turn in (Turn.ENTERED, Turn.CLEARED):
            yield HealthChange(
                at, card.host, card.card, "0", "temperature", Severity.WARNING, turn, "one clean look"
            )
