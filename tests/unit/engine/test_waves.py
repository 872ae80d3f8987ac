"""Waves, by the table in tests/cases/waves.yaml and by what must hold for every fleet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgectl.engine.policy import Rollout
from edgectl.engine.waves import Wave, waves_of
from edgectl.inventory.model import Host
from tests.fakes.fleet import hosts_of

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "waves.yaml").read_text(encoding="utf-8"))


def _shown(wave: Wave) -> str:
    counts = Counter(host.pop.name for host in wave.hosts)
    hosts = " ".join(f"{pop}:{count}" for pop, count in sorted(counts.items()))
    return f"c {hosts}" if wave.canary else hosts


def _in_region(host: Host, region: str) -> Host:
    return replace(host, pop=replace(host.pop, region=region))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["is"]) for case in CASES])
def test_hosts_are_cut_into_waves(case: dict[str, Any]) -> None:
    regions = case.get("regions", {})
    hosts = [_in_region(host, regions.get(host.pop.name, "eu")) for host in hosts_of(case["hosts"])]

    waves = waves_of(hosts, Rollout(**case["rollout"]), case.get("last", ()))

    assert [_shown(wave) for wave in waves] == case["waves"]


shares = st.one_of(st.integers(1, 40), st.floats(0.01, 1.0))
rollouts = st.builds(
    Rollout,
    canary=st.integers(0, 5),
    waves=st.lists(shares, min_size=1, max_size=4),
    spread=st.sampled_from(["", "pop", "metro", "region", "rack"]),
)
fleets = st.dictionaries(st.sampled_from(["fra1", "fra2", "gru1", "ams1"]), st.integers(1, 12)).map(hosts_of)


@given(fleets, rollouts)
def test_every_host_is_in_exactly_one_wave_and_no_wave_is_empty(hosts: Any, rollout: Rollout) -> None:
    waves = waves_of(hosts, rollout)

    assert sorted(host.name for wave in waves for host in wave.hosts) == sorted(host.name for host in hosts)
    assert all(wave.hosts for wave in waves)


@given(fleets, rollouts)
def test_the_canary_comes_first_and_is_as_large_as_asked(hosts: Any, rollout: Rollout) -> None:
    waves = waves_of(hosts, rollout)

    marks = [wave.canary for wave in waves]
    assert marks == sorted(marks, reverse=True)
    assert sum(len(wave.hosts) for wave in waves if wave.canary) == min(rollout.canary, len(hosts))


@given(fleets, rollouts, st.sets(st.integers(0, 20)))
def test_hosts_in_trouble_follow_all_others(hosts: Any, rollout: Rollout, chosen: set[int]) -> None:
    last = {host.name for number, host in enumerate(hosts) if number in chosen}
    waves = waves_of(hosts, rollout, last)

    order = [host.name in last for wave in waves for host in wave.hosts]
    assert order == sorted(order)
