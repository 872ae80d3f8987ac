from __future__ import annotations

import pytest

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.inventory.model import SshOptions
from edgectl.ops.clusters.comparison import NO_COMPARISON, Comparison, as_data, explained
from edgectl.ops.clusters.separation import Separation
from edgectl.ops.clusters.traits import traits_of
from tests.fakes.fleet import a_bastion, a_host, a_pop, hosts_of

LINES = [
    (
        Separation("firmware", "35.2", 49, 50, 12, 200, 1e-9),
        "98 % of these have firmware 35.2; of those that went well 6 %",
    ),
    (
        Separation("pop", "gru2", 40, 40, 0, 4_360, 1e-9),
        "all of these are in pop gru2; of those that went well none",
    ),
    (
        Separation("bastion", "203.0.113.5", 999, 1_000, 1, 9_000, 1e-9),
        "99 % of these are behind bastion 203.0.113.5; of those that went well 1 %",
    ),
    (
        Separation("labels.rev", "b", 5, 9, 0, 9, 1e-4, (("region", "sa"),)),
        "55 % of these have label rev=b; of those that went well none (the same hosts: region sa)",
    ),
    (
        Separation("hardware", "h", 9, 9, 0, 9, 1e-4, (("region", "r"), ("country", "c"), ("metro", "m"))),
        "all of these have hardware h; of those that went well none (the same hosts: region r, country c and 1 more)",
    ),
]


@pytest.mark.parametrize(("found", "line"), LINES)
def test_what_hosts_have_in_common_is_one_line(found: Separation, line: str) -> None:
    assert explained(found) == line


def test_the_report_has_the_counts_behind_the_claim() -> None:
    found = Separation("pop", "gru2", 2, 2, 0, 5, 1.23456e-9, (("rack", "gru2-r1"),))

    assert as_data(found, ["gru2-n1", "gru2-n2"], status="failed") == {
        "status": "failed",
        "hosts": "gru2-n[1-2]",
        "count": 2,
        "attribute": "pop",
        "value": "gru2",
        "with": 2,
        "of": 2,
        "well_with": 0,
        "well_of": 5,
        "chance": 1.23e-09,
        "same": [{"attribute": "rack", "value": "gru2-r1"}],
    }


def test_a_hosts_traits_are_its_place_its_make_and_what_it_said() -> None:
    pop = a_pop("gru1", "GRU", "sa")
    host = a_host("gru1-r1-n1", pop=pop, rack="gru1-r1", ssh=SshOptions(bastion=a_bastion()))
    facts = {
        "ansible_kernel": "6.8",
        "ansible_bios_version": "35.2",
        "ansible_product_name": "NA",
        "ansible_fqdn": "x",
    }
    tasks = (
        TaskRecord("facts", "setup", TaskStatus.OK, 0.1, {"ansible_facts": facts}),
        TaskRecord("gpus", "gpu_facts", TaskStatus.OK, 0.1, {"driver_version": "580.1", "kernel": None}),
    )

    assert traits_of(host, HostOutcome(host.name, "gru1", HostStatus.OK, tasks=tasks)) == {
        "role": "gpu",
        "state": "live",
        "bastion": "203.0.113.5",
        "region": "sa",
        "country": "DE",
        "metro": "GRU",
        "pop": "gru1",
        "rack": "gru1-r1",
        "kernel": "6.8",
        "firmware": "35.2",
        "driver": "580.1",
    }


def test_hosts_of_a_run_are_compared_by_inventory_and_outcome() -> None:
    hosts = hosts_of({"gru1": 8, "fra1": 40})
    outcomes = [
        HostOutcome(
            host.name, host.pop.name, HostStatus.FAILED if host.pop.name == "gru1" else HostStatus.CHANGED
        )
        for host in hosts
    ]
    comparison = Comparison(hosts, outcomes)

    found = comparison.separation([host.name for host in hosts[:8]])

    assert found is not None
    assert (found.name, found.value, found.well, found.same) == ("pop", "gru1", 40, ())
    assert comparison.separation([host.name for host in hosts[:4]]) is None
    assert NO_COMPARISON.separation([host.name for host in hosts[:8]]) is None


def test_twenty_thousand_hosts_are_compared_without_a_wait() -> None:
    hosts = hosts_of({f"fra{pop}": 5 for pop in range(4_000)})
    outcomes = [
        HostOutcome(host.name, host.pop.name, HostStatus.FAILED if number % 7 == 0 else HostStatus.OK)
        for number, host in enumerate(hosts)
    ]

    assert Comparison(hosts, outcomes).separation([host.name for host in hosts[::7]]) is None
