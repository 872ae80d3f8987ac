from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.ops.deploy.care import rollout_of
from edgectl.ops.deploy.neighbours import neighbours
from tests.fakes.fleet import a_host, a_pop
from tests.unit.ops.deploy.specs import LLAMA, spec


@pytest.mark.parametrize(
    ("more", "replaces", "out", "spread"),
    [
        ("", False, None, ""),
        ("", True, 1, ""),
        ("rollout: {{max_out: 2}}\n", True, 2, ""),
        ("strategy: {{floor: {{keep: 70%}}}}\n", True, 0.3, "metro"),
        ("strategy: {{floor: {{keep: 70%}}}}\n", False, None, ""),
        ("strategy: {{floor: {{per: pop, keep: 50%}}}}\nrollout: {{max_out: 25%}}\n", True, 0.25, "pop"),
    ],
    ids=["side by side", "in place", "in place, two", "a floor", "a floor side by side", "the stricter one"],
)
def test_only_what_takes_hosts_out_of_service_is_held_to_a_floor(
    tmp_path: Path, more: str, replaces: bool, out: float | None, spread: str
) -> None:
    policy = rollout_of(spec(tmp_path, LLAMA + more), replaces=replaces)
    assert policy.max_out == (out if out is None else pytest.approx(out))
    assert policy.spread == spread


def test_the_longer_soak_counts(tmp_path: Path) -> None:
    text = LLAMA + "gates: {{soak: 5m}}\nrollout: {{soak: 1m}}\n"
    assert rollout_of(spec(tmp_path, text), replaces=False).soak_s == 300


def test_neighbours_are_of_the_same_pop_and_those_of_the_same_rack_come_first() -> None:
    here, there = a_pop("fra1"), a_pop("fra2")
    hosts = [
        a_host("a", pop=here, rack="r1", address="10.0.0.1"),
        a_host("b", pop=here, rack="r2", address="10.0.0.2"),
        a_host("c", pop=here, rack="r1", address="10.0.0.3"),
        a_host("d", pop=there, rack="r1", address="10.0.0.4"),
    ]
    found = neighbours(hosts)
    assert (found["a"], found["d"]) == (["10.0.0.3", "10.0.0.2"], [])
