"""What a failure domain can bear to have out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from edgectl.engine.domains import Room, domain_of, domains_of, too_small
from edgectl.engine.policy import Rollout
from edgectl.inventory.model import Host
from tests.fakes.fleet import a_host, a_pop

GPUS = {"gpu-8": 8, "gpu-1": 1, "dpu": 0}


def _hosts(metro: str, *hardware: str) -> list[Host]:
    pop = a_pop(f"{metro.lower()}1", metro)
    return [
        replace(a_host(f"{metro.lower()}1-n{number}", pop=pop), hardware=name)
        for number, name in enumerate(hardware, start=1)
    ]


def _complaints(hosts: Sequence[Host], out: Sequence[Host] = (), **rollout: Any) -> list[str]:
    return too_small(hosts, out, domains_of(hosts, Rollout(spread="metro", **rollout), GPUS))


def _fitting(hosts: Sequence[Host], out: Sequence[Host] = (), **rollout: Any) -> int:
    """Return how many hosts may be out at once, taken in order."""
    room = Room(domains_of(hosts, Rollout(spread="metro", **rollout), GPUS), out)
    count = 0
    for host in hosts:
        if room.has_room(host):
            room.take(host)
            count += 1
    return count


@pytest.mark.parametrize(
    ("hardware", "rollout", "count"),
    [
        (["gpu-8"] * 4, {"max_out": 0.25}, 1),
        (["gpu-8"] * 4, {"max_out": 0.49}, 1),
        (["gpu-8"] * 4, {"max_out": 0.5}, 2),
        (["gpu-8"] + ["gpu-1"] * 8, {"max_out": 0.5}, 1),
        (["gpu-1"] * 8 + ["gpu-8"], {"max_out": 0.5}, 8),
        (["gpu-8"] * 4, {"max_out": 3}, 3),
        (["gpu-8"] * 4, {"max_out": 0.1, "min_out": 1}, 1),
        (["gpu-8"] * 4, {}, 4),
        (["dpu"] * 4, {"max_out": 0.5}, 2),
        ([""] * 4, {"max_out": 0.5}, 2),
        (["gpu-8"] * 4 + ["dpu"] * 4, {"max_out": 0.25}, 1),
        (["dpu"] * 4 + ["gpu-8"] * 4, {"max_out": 0.25}, 1),
    ],
)
def test_a_share_is_of_gpus_rounded_down(hardware: list[str], rollout: dict[str, Any], count: int) -> None:
    assert _fitting(_hosts("FRA", *hardware), **rollout) == count


def test_hosts_that_are_out_already_count_whether_they_are_selected_or_not() -> None:
    live = _hosts("FRA", "gpu-8", "gpu-8", "gpu-8", "gpu-8")
    other = replace(a_host("fra2-n1", pop=a_pop("fra2", "FRA")), hardware="gpu-8")

    assert _fitting(live, max_out=0.5) == 2
    assert _fitting(live, [other], max_out=0.5) == 1
    assert _fitting(live, [live[3]], max_out=0.5) == 2  # the last one costs nothing: it is out anyway


def test_a_host_that_is_back_makes_room_and_one_that_was_out_before_does_not() -> None:
    first, second = _hosts("FRA", "gpu-8", "gpu-8")
    room = Room(domains_of([first, second], Rollout(max_out=0.5), GPUS), [])
    room.take(first)
    assert not room.has_room(second)
    room.give(first)
    assert room.has_room(second)

    room = Room(domains_of([first, second], Rollout(max_out=0.5), GPUS), [first])
    room.take(first)
    room.give(first)
    assert not room.has_room(second)


def test_a_budget_that_rounds_to_nothing_is_refused_by_the_name_of_its_domain() -> None:
    hosts = [*_hosts("FRA", *["gpu-8"] * 4), *_hosts("LHR", "gpu-8", "gpu-8")]

    assert _complaints(hosts, max_out=0.25) == [
        (
            "max_out: 25% of metro LHR (4 of 16 GPUs) never lets lhr1-n1 (8 GPUs) start: "
            "write a larger share or `min: 1`"
        )
    ]
    assert _complaints(hosts, max_out=0.25, min_out=1) == []
    assert _complaints(hosts) == []


def test_the_dearest_host_has_to_fit_and_not_only_the_smallest() -> None:
    assert "fra1-n1 (8 GPUs)" in _complaints(_hosts("FRA", "gpu-8", *["gpu-1"] * 9), max_out=0.25)[0]


def test_a_domain_that_is_full_before_the_run_is_refused_with_what_fills_it() -> None:
    hosts = _hosts("FRA", *["gpu-8"] * 4)
    other = replace(a_host("fra2-n1", pop=a_pop("fra2", "FRA")), hardware="gpu-8")

    assert "(8 of 32 GPUs) with 8 out already never lets" in _complaints(hosts, [other], max_out=0.25)[0]


def test_no_host_at_all_is_a_budget_of_nothing_in_hosts() -> None:
    assert _complaints(_hosts("FRA", "gpu-8"), max_out=0) == [
        (
            "max_out: 0 of metro FRA (0 of 1 hosts) never lets fra1-n1 (1 host) start: "
            "write a larger share or `min: 1`"
        )
    ]


def test_places_have_the_names_people_use() -> None:
    host = a_host("fra1-n1", pop=a_pop("fra1", "FRA", "eu"), rack="fra1-r1")

    assert [domain_of(host, spread) for spread in ("", "pop", "metro", "region", "rack")] == [
        "PoP fra1",
        "PoP fra1",
        "metro FRA",
        "region eu",
        "rack fra1-r1 of fra1",
    ]
    assert domain_of(a_host("x", pop=a_pop("lab", "", "")), "metro") == "PoP lab"
    assert domain_of(a_host("x", pop=a_pop("lab")), "rack") == "PoP lab"
