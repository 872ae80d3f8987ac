from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from edgectl.catalog.health_fleet import load_fleet_rules
from edgectl.catalog.rules_model import Severity
from edgectl.inventory.fold import unfold
from edgectl.ops.clusters.traits import Traits
from edgectl.ops.health.fleet.incidents import Incident, Member, incidents
from edgectl.yaml_source import load

TABLE: list[dict[str, Any]] = load(Path(__file__).parents[4] / "cases/health_over_time/incidents.yaml").value
RULES = load_fleet_rules().incidents


def names(folded: str) -> list[str]:
    return [name for part in _parts(folded) for name in unfold(part)]


def _parts(folded: str) -> list[str]:
    """Split at commas, but not within brackets."""
    parts, depth = [""], 0
    for letter in folded:
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def fleet_of(case: dict[str, Any]) -> dict[str, Traits]:
    drivers = {host: driver for driver, folded in case.get("drivers", {}).items() for host in names(folded)}
    fleet: dict[str, Traits] = {}
    for pop, count in case["pops"].items():
        for number in range(1, count + 1):
            host = f"{pop}-n{number:02d}"
            rack = "r1" if number % 2 or case.get("one_rack") else "r2"
            fleet[host] = {
                "pop": pop,
                "metro": pop[:3].upper(),
                "region": "world",
                "rack": f"{pop}-{rack}",
                "hardware": "rtx-4",
                "driver": drivers.get(host, "580"),
            }
    return fleet


def members_of(case: dict[str, Any]) -> list[Member]:
    critical = case.get("critical", [])
    return [
        Member(host, finding, Severity.CRITICAL if finding in critical else Severity.WARNING, "0")
        for finding, folded in case["found"].items()
        for host in names(folded)
    ]


def told(found: list[Incident]) -> list[str]:
    return [f"{one.id} {len(one.hosts)}/{one.of} {one.severity}" for one in found]


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_findings_become_the_incidents_of_the_table(case: dict[str, Any]) -> None:
    assert told(incidents(members_of(case), fleet_of(case), RULES)) == case["incidents"]


@pytest.mark.parametrize("case", TABLE, ids=[case["name"] for case in TABLE])
def test_the_order_in_which_hosts_answer_changes_nothing(case: dict[str, Any]) -> None:
    members, fleet = members_of(case), list(fleet_of(case).items())
    source = random.Random(7)  # noqa: S311 - any order will do
    source.shuffle(members)
    source.shuffle(fleet)

    assert told(incidents(members, dict(fleet), RULES)) == case["incidents"]


def test_an_incident_says_what_its_hosts_share_and_what_to_look_at() -> None:
    case = {"pops": {"gru1": 4, "gru2": 4, "fra1": 4}, "found": {"temperature": "gru[1-2]-n[01-04]"}}
    (one,) = incidents(members_of(case), fleet_of(case), RULES)

    assert (one.factor, one.value, one.suspect) == ("metro", "GRU", "heat in the metro")
    assert one.findings == ("temperature",)


def test_in_a_large_fleet_chance_alone_makes_no_incident() -> None:
    source = random.Random(11)  # noqa: S311 - data
    fleet = fleet_of({"pops": {f"p{number:03d}": 4 for number in range(1_000)}})
    for share in (0.02, 0.1, 0.2):
        found = {"pcie-width": [host for host in fleet if source.random() < share]}
        members = [Member(host, "pcie-width", Severity.WARNING) for host in found["pcie-width"]]

        assert told(incidents(members, fleet, RULES)) == [], share


def test_in_a_large_fleet_one_dark_pop_is_found_among_scattered_failures() -> None:
    source = random.Random(13)  # noqa: S311 - data
    fleet = fleet_of({"pops": {f"p{number:03d}": 4 for number in range(1_000)}})
    away = {host for host in fleet if source.random() < 0.01} | {f"p500-n0{number}" for number in range(1, 5)}
    members = [Member(host, "unreachable", Severity.WARNING) for host in sorted(away)]

    assert told(incidents(members, fleet, RULES)) == ["p500-reach 4/4 warning"]


def test_a_host_that_was_not_asked_is_in_no_incident() -> None:
    members = [Member(f"x{number}", "pcie-width", Severity.WARNING) for number in range(9)]

    assert incidents(members, {}, RULES) == []
