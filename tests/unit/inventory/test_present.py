from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.inventory.loader import load
from edgectl.inventory.model import Fleet
from edgectl.inventory.pattern import select, select_names
from edgectl.inventory.present import PopRow, effective, host_rows, pop_rows

FLEET = """\
defaults:
  ssh: {user: edge, bastion: {address: 192.0.2.1, user: jump}}
  vars: {branch: "580", sizes: [1, 2]}
groups: {gpu: role=gpu}
racks: {small: {nodes: 2, hardware: l4-1, dpus: 1}}
pops:
  fra1: {metro: FRA, country: DE, labels: {t: au}, racks: {r1: {template: small, addresses: 10.0.0.0/28}}}
  sin1: {state: planned, hosts: {sin1-x1: {address: 10.0.1.1}}}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, encoding="utf-8")
    return load(path)


def test_show_tells_every_value_and_the_line_it_came_from(fleet: Fleet) -> None:
    rows = [(one.name, one.text, one.origin) for one in effective(fleet.hosts["fra1-r1-n01"])]

    path = fleet.source
    bastion = '{"address": "192.0.2.1", "user": "jump", "port": 22, "key": null}'
    assert rows == [
        ("address", "10.0.0.2", f"{path}:7"),
        ("role", "gpu", "default"),
        ("hardware", "l4-1", f"{path}:5"),
        ("pop", "fra1", f"{path}:7"),
        ("rack", "fra1-r1", f"{path}:7"),
        ("groups", '["gpu"]', "default"),
        ("metro", "FRA", f"{path}:7"),
        ("region", "", "default"),
        ("country", "DE", f"{path}:7"),
        ("tz", "UTC", "default"),
        ("state", "live", "default"),
        ("ssh.user", "edge", f"{path}:2"),
        ("ssh.port", "null", "default"),
        ("ssh.key", "null", "default"),
        ("ssh.bastion", bastion, f"{path}:2"),
        ("labels.t", "au", f"{path}:7"),
        ("vars.branch", "580", f"{path}:3"),
        ("vars.sizes", "[1, 2]", f"{path}:3"),
    ]


def test_list_has_a_row_for_each_pop_with_a_selected_host(fleet: Fleet) -> None:
    rows = pop_rows(fleet, select_names(fleet, "fra1,sin1"))

    assert rows == [
        PopRow("fra1", "FRA", "", "DE", "live", 2, 2, "fra1-r1-n[01-02],fra1-r1-n[01-02]-dpu0"),
        PopRow("sin1", "", "", "", "planned", 1, 0, "sin1-x1"),
    ]
    assert [row.pop for row in pop_rows(fleet, select_names(fleet, "all"))] == ["fra1"]


def test_list_gives_other_tools_a_plain_object_for_each_host(fleet: Fleet) -> None:
    assert host_rows(select(fleet, "fra1-r1-n02")) == [
        {
            "host": "fra1-r1-n02",
            "address": "10.0.0.4",
            "pop": "fra1",
            "rack": "fra1-r1",
            "role": "gpu",
            "hardware": "l4-1",
            "metro": "FRA",
            "region": "",
            "country": "DE",
            "state": "live",
            "groups": ["gpu"],
            "labels": {"t": "au"},
        }
    ]


def test_a_fleet_of_many_pops_has_a_row_for_each_metro_and_state(tmp_path: Path) -> None:
    pops = "".join(
        f"  {name}: {{metro: {name[:3].upper()}, hosts: {{{name}-x1: {{address: {name}}}}}}}\n"
        for name in (f"{metro}{number}" for metro in ("fra", "sin") for number in range(1, 61))
    )
    asleep = "  fra99: {metro: FRA, state: planned, hosts: {fra99-x1: {address: far}}}\n"
    (tmp_path / "pops.yaml").write_text(f"pops:\n{pops}{asleep}")
    fleet = load(tmp_path)

    assert pop_rows(fleet, fleet.hosts) == [
        PopRow("fra[1-60]", "FRA", "", "", "live", 60, 0, "fra[1-60]-x1"),
        PopRow("fra99", "FRA", "", "", "planned", 1, 0, "fra99-x1"),
        PopRow("sin[1-60]", "SIN", "", "", "live", 60, 0, "sin[1-60]-x1"),
    ]
    assert len(pop_rows(fleet, select_names(fleet, "metro=FRA"))) == 60
