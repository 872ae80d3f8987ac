from __future__ import annotations

from dataclasses import replace

from edgectl.engine.canary import canaries
from edgectl.inventory.model import Host
from tests.fakes.fleet import a_host, a_pop


def _host(name: str, hardware: str, region: str) -> Host:
    return replace(a_host(name, pop=a_pop(f"{region}1", region=region)), hardware=hardware)


FLEET = [
    _host("eu-a1", "a", "eu"),
    _host("eu-a2", "a", "eu"),
    _host("eu-a3", "a", "eu"),
    _host("eu-b1", "b", "eu"),
    _host("us-a1", "a", "us"),
    _host("us-a2", "a", "us"),
    _host("us-b1", "b", "us"),
]


def _names(count: int, avoided: frozenset[str] = frozenset()) -> list[str]:
    return [host.name for host in canaries(FLEET, count, avoided)]


def test_one_canary_is_of_the_commonest_kind() -> None:
    assert _names(1) == ["eu-a1"]


def test_the_next_is_as_different_as_can_be() -> None:
    assert _names(2) == ["eu-a1", "us-b1"]


def test_every_combination_is_covered_before_one_is_twice() -> None:
    assert _names(4) == ["eu-a1", "us-b1", "us-a1", "eu-b1"]
    assert _names(5)[4] == "eu-a2"


def test_more_canaries_than_hosts_are_all_hosts() -> None:
    assert sorted(_names(50)) == sorted(host.name for host in FLEET)


def test_a_host_in_trouble_is_no_canary_where_another_can_be() -> None:
    assert _names(1, frozenset({"eu-a1", "us-a1"})) == ["eu-a2"]
    everyone = frozenset(host.name for host in FLEET)
    assert _names(1, everyone - {"us-b1"}) == ["us-b1"]
    assert _names(1, everyone) == ["eu-a1"]
