"""Rules that only watch: counted, told, and without a say about what is in force."""

from __future__ import annotations

import pytest

from edgectl.engine.health_records import Turn
from edgectl.errors import ExitCode, UsageError
from edgectl.ops.health.apply import Manner
from tests.unit.ops.health.asked import N1, N2, card, node
from tests.unit.ops.health.nodes import an_xid
from tests.unit.ops.health.site import Site, failed, line_with


def test_a_rule_in_shadow_is_counted_and_never_alarms(site: Site) -> None:
    for host in (N1, N2):
        site.answers[host] = node(host, card(host, 0, remap_failure=True), card(host, 1, remap_failure=True))
    report = site.look(manner=Manner(("row-remap-failure",)))

    assert (failed(report), report.exit_code) == ([], ExitCode.DONE)
    assert report.data["fleet"]["shadow"] == {"row-remap-failure": {"hosts": 2, "findings": 4}}
    assert line_with(report, "shadow").endswith("would have fired on 2 hosts")
    assert site.turns(N1) == []


@pytest.mark.parametrize("watching", ["row-remap-failure", "xid-79", "xid"])
def test_a_rule_that_is_put_in_shadow_for_a_look_clears_nothing(site: Site, watching: str) -> None:
    xids = [{**an_xid(79), "gpu": f"GPU-{N1}-1", "pci_bus_id": card(N1, 1)["pci_bus_id"]}]
    site.answers[N1] = node(N1, card(N1, 0, remap_failure=True), card(N1, 1), xids=xids)
    site.look()
    report = site.look(manner=Manner((watching,)))

    assert report.data["fleet"]["cleared"] == []
    assert {turn for _, turn in site.turns(N1)} == {Turn.ENTERED}


def test_a_rule_that_does_not_exist_cannot_be_put_in_shadow(site: Site) -> None:
    with pytest.raises(UsageError, match="did you mean 'pcie-width'"):
        site.look(manner=Manner(("pci-width",)))
