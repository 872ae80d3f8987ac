"""The fleet's own rules: what no card can differ by is refused when they are read."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.errors import InputError

SHIPPED = resources.files("edgectl.catalog").joinpath("health_fleet.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("differs_by: 12\n", "differs_by: 0.012\n", "0.012 is no difference_c"),
        ("differs_by: 25\n", "differs_by: 25000\n", "25000 is no power_w"),
        ("least_change: 4\n", "least_change: 400\n", "400 is no difference_c"),
        ("unit: W\n", "unit: mW\n", "unit"),
    ],
)
def test_a_difference_that_cannot_be_is_refused_with_its_place(
    tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(SHIPPED.replace(was, becomes, 1), encoding="utf-8")

    with pytest.raises(InputError) as caught:
        load_fleet_rules(path)

    assert str(path) in caught.value.message
    assert said in caught.value.message
