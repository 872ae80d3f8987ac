from __future__ import annotations

import hashlib
import json
import re
import zoneinfo
from pathlib import Path

import pytest

from edgectl.inventory.generate import POP_LIMIT, _network, generate, metros
from edgectl.inventory.loader import load
from edgectl.inventory.model import Fleet, PopState
from edgectl.inventory.pattern import select


def _written(files: dict[str, str], folder: Path) -> Fleet:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder)


@pytest.mark.parametrize("pops", [1, 12, 400])
def test_a_generated_fleet_has_its_pops_and_loads_cleanly(tmp_path: Path, pops: int) -> None:
    fleet = _written(generate(pops, seed=7), tmp_path)

    assert len(fleet.pops) == pops
    assert select(fleet, "all")
    assert select(fleet, "canary")


def test_a_seed_gives_the_same_fleet_for_ever() -> None:
    text = json.dumps(generate(50, seed=3))

    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "ed2a0665fac3ff49"
    assert generate(50, seed=4) != generate(50, seed=3)


def test_a_large_fleet_has_pops_in_every_state_and_on_most_metros(tmp_path: Path) -> None:
    fleet = _written(generate(1000, seed=1), tmp_path)

    assert {pop.state for pop in fleet.pops.values()} == set(PopState)
    assert len({pop.metro for pop in fleet.pops.values()}) > 140


@pytest.mark.parametrize("pops", [0, -1, POP_LIMIT + 1])
def test_a_fleet_that_has_no_room_is_refused(pops: int) -> None:
    with pytest.raises(ValueError, match="a fleet has 1 to 131,072 PoPs"):
        generate(pops, seed=1)


def test_the_last_pop_there_is_room_for_has_an_address() -> None:
    assert _network(POP_LIMIT - 1, 2) == "10.255.255.192/26"


def test_the_table_of_metros_is_sound() -> None:
    table = metros()

    assert len(table) >= 150
    assert len({metro.metro for metro in table}) == len(table)
    assert all(re.fullmatch("[A-Z]{3}", metro.metro) for metro in table)
    assert all(re.fullmatch("[A-Z]{2}", metro.country) for metro in table)
    assert {metro.tz for metro in table} <= zoneinfo.available_timezones()
    assert all(metro.weight > 0 and metro.city and metro.region for metro in table)
