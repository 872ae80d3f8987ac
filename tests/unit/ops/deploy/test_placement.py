from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.engine.lifecycle import Stage
from edgectl.ops.deploy.placement import Decision, Demand, Node, Placement, Verdict, place
from edgectl.ops.deploy.spec_care import Place, Scope


def nodes(metros: int = 3, pops: int = 2, hosts: int = 2, **more: object) -> list[Node]:
    return [
        Node(f"m{m}p{p}-n{n}", f"m{m}p{p}", f"M{m}", f"R{m % 2}", "DE", gpu="rtx", free=4, **more)  # type: ignore[arg-type]  # what a case says
        for m in range(metros)
        for p in range(pops)
        for n in range(hosts)
    ]


def a_demand(replicas: int | None = None, **more: object) -> Demand:
    return Demand("chat", Place(pattern="all", replicas=replicas, **more), ["rtx"], 1, {})  # type: ignore[arg-type]


def settled(found: Placement) -> list[Node]:
    """Return the nodes as they are once the placement was carried out."""
    chosen = set(found.hosts)
    return [replace(one.node, serves="r-1" if one.node.name in chosen else "") for one in found.decisions]


def decision(found: Placement, name: str) -> Decision:
    return next(one for one in found.decisions if one.node.name == name)


AGAINST = [
    ({"gpu": "l4"}, "has l4, and rtx is wanted"),
    ({"gpu": ""}, "has no known GPU, and rtx is wanted"),
    ({"country": "US"}, "is in US, and data stays in DE, FR"),
    ({"region": "R9"}, "is in R9, and data stays in R0, R1"),
    ({"tenant": "acme"}, "serves acme alone"),
    ({"stage": Stage.REPAIR}, "is repair, not accepted"),
    ({"sick": "has a critical finding: gpu-lost"}, "has a critical finding: gpu-lost"),
    ({"free": 0}, "has 0 of 1 GPUs free"),
    ({"disk_bytes": 10**9}, "has 1 GB of disk for 60 GB of model"),
]


@pytest.mark.parametrize(("changes", "why"), AGAINST, ids=[why for _, why in AGAINST])
def test_a_host_that_may_not_serve_it_is_told_why(changes: dict[str, object], why: str) -> None:
    demand = replace(a_demand(countries=["DE", "FR"], regions=["R0", "R1"]), disk_bytes=60 * 10**9)
    first, *others = nodes()
    found = place(demand, [replace(first, **changes), *others])  # type: ignore[arg-type]

    assert decision(found, first.name).verdict is Verdict.NOT
    assert decision(found, first.name).why == why
    assert len(found.hosts) == len(others)


def test_a_gpu_it_does_not_fit_is_no_place() -> None:
    found = place(replace(a_demand(), unfit={"rtx": "lacks 2.0 GiB"}), nodes())
    assert {one.why for one in found.decisions} == {"lacks 2.0 GiB"}


@pytest.mark.parametrize("stage", [None, Stage.ACCEPTED, Stage.IN_SERVICE])
def test_an_accepted_host_or_one_on_no_record_may(stage: Stage | None) -> None:
    assert len(place(a_demand(), nodes(stage=stage)).hosts) == 12


def test_a_tenant_s_service_goes_to_its_own_hosts_alone() -> None:
    first, *others = nodes()
    found = place(a_demand(tenant="acme"), [replace(first, tenant="acme"), *others])
    assert found.hosts == [first.name]
    assert decision(found, others[0].name).why == "is not set aside for acme"


def test_replicas_are_spread_over_metros_first_and_pops_then() -> None:
    found = place(a_demand(6), nodes())
    by_name = {node.name: node for node in nodes()}
    assert Counter(by_name[name].metro for name in found.hosts) == {"M0": 2, "M1": 2, "M2": 2}
    assert set(Counter(by_name[name].pop for name in found.hosts).values()) == {1}


def test_so_many_in_each_place_and_who_lacks_some_is_told() -> None:
    some = [
        replace(node, free=0) if node.metro == "M0" and node.name != "m0p0-n0" else node for node in nodes()
    ]
    found = place(a_demand(2, per=Scope.METRO), some)
    assert len(found.hosts) == 5
    assert found.short == {"M0": 1}


def test_a_place_whose_hosts_are_not_meant_lacks_nothing() -> None:
    some = [replace(node, country="US") if node.metro == "M0" else node for node in nodes()]
    assert place(a_demand(2, per=Scope.METRO, countries=["DE"]), some).short == {}


def test_one_too_many_goes_from_where_the_most_are() -> None:
    crowded = [
        replace(node, serves="r-1" if node.metro == "M0" or node.name == "m1p0-n0" else "")
        for node in nodes()
    ]
    found = place(a_demand(3), crowded)
    removed = [one.node for one in found.decisions if one.verdict is Verdict.SURPLUS]
    assert len(removed) == 2
    assert {node.metro for node in removed} == {"M0"}
    assert len({node.pop for node in removed}) == 2


FLEETS = st.builds(nodes, st.integers(1, 5), st.integers(1, 3), st.integers(1, 4))
WANTED = st.one_of(st.none(), st.integers(1, 30))
SCOPES = st.sampled_from(list(Scope))


@given(FLEETS, WANTED, SCOPES, st.randoms(use_true_random=False))
def test_the_order_of_hosts_decides_nothing(
    fleet: Sequence[Node], wanted: int | None, per: Scope, chance: random.Random
) -> None:
    shuffled = list(fleet)
    chance.shuffle(shuffled)
    demand = a_demand(wanted, per=per)
    assert set(place(demand, fleet).hosts) == set(place(demand, shuffled).hosts)


@given(FLEETS, WANTED, SCOPES)
def test_what_was_placed_stays_where_it_is(fleet: Sequence[Node], wanted: int | None, per: Scope) -> None:
    demand = a_demand(wanted, per=per)
    first = place(demand, fleet)
    again = place(demand, settled(first))
    assert again.hosts == first.hosts
    assert not {one.verdict for one in again.decisions} & {Verdict.ADD, Verdict.SURPLUS}


@given(FLEETS, st.integers(1, 20), st.data())
def test_a_host_that_fails_moves_itself_and_nobody_else(
    fleet: Sequence[Node], wanted: int, data: st.DataObject
) -> None:
    first = place(a_demand(wanted), fleet)
    lost = data.draw(st.sampled_from(list(first.hosts)))
    after = [replace(node, sick="is sick") if node.name == lost else node for node in settled(first)]
    again = place(a_demand(wanted), after)

    moved = set(first.hosts) ^ set(again.hosts)
    assert moved - {lost} == set(again.hosts) - set(first.hosts)
    assert len(moved) <= 2


@given(FLEETS, st.integers(1, 20), st.integers(1, 20))
def test_another_number_adds_or_removes_no_more_than_the_difference(
    fleet: Sequence[Node], before: int, after: int
) -> None:
    first = place(a_demand(before), fleet)
    again = place(a_demand(after), settled(first))
    assert len(set(first.hosts) ^ set(again.hosts)) == abs(len(first.hosts) - len(again.hosts))


@given(FLEETS, st.integers(1, 20))
def test_a_first_placement_is_as_even_as_can_be(fleet: Sequence[Node], wanted: int) -> None:
    by_name = {node.name: node for node in fleet}
    found = place(a_demand(wanted), fleet)
    counts = Counter({node.metro: 0 for node in fleet})
    counts.update(by_name[name].metro for name in found.hosts)
    sizes = Counter(node.metro for node in fleet)
    open_counts = [count for metro, count in counts.items() if count < sizes[metro]]
    assert len(found.hosts) == min(wanted, len(fleet))
    assert not open_counts or max(counts.values()) - min(open_counts) <= 1
