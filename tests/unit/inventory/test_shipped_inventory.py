"""The example that comes with edgectl is sound, and shows what it is there to show."""

from __future__ import annotations

import ipaddress

import pytest

from edgectl import shipped
from edgectl.catalog.hardware import load_catalog
from edgectl.inventory.loader import load
from edgectl.inventory.model import Fleet, PopState
from edgectl.inventory.pattern import select


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return load(shipped.inventory(), hardware=load_catalog().names)


def test_it_has_24_pops_of_which_most_are_live(fleet: Fleet) -> None:
    states = [pop.state for pop in fleet.pops.values()]

    assert len(states) == 24
    assert states.count(PopState.LIVE) == 22


@pytest.mark.parametrize("pattern", ["canary", "gold", "europe", "rtx", "hgx", "dpu", "legacy", "metro=FRA"])
def test_each_of_its_groups_selects_somebody(fleet: Fleet, pattern: str) -> None:
    assert select(fleet, pattern)


def test_the_usual_rack_is_rtx_pro_6000_with_bluefield(fleet: Fleet) -> None:
    templates = [rack.template for rack in fleet.racks.values()]

    assert templates.count("rtx-pro-6000") > len(templates) / 2
    assert {"hgx-b200", "l4"} <= set(templates)


def test_nothing_in_it_can_be_reached(fleet: Fleet) -> None:
    documentation = [
        ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    ]

    for host in fleet.hosts.values():
        assert ipaddress.ip_address(host.address) in ipaddress.ip_network("10.0.0.0/8")
        assert host.ssh.bastion is not None
        bastion = ipaddress.ip_address(host.ssh.bastion.address)
        assert any(bastion in network for network in documentation)
