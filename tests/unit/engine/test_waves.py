"""Waves, by the table in tests/cases/waves.yaml and by what must hold for every fleet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgectl.engine.waves import Rollout, Wave, count_of, waves_of
from tests.fakes.fleet import a_host, a_pop, hosts_of

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "waves.yaml").read_text(encoding="utf-8"))


def _shown(wave: Wave) -> str:
    counts = Counter(host.pop.name for host in wave.hosts)
    hosts = " ".join(f"{pop}:{count}" for pop, count in sorted(counts.items()))
    return f"c {hosts}" if wave.canary else hosts


@pytest.mark.parametrize("case", [pytest.param(case, id=case["is"]) for case in CASES])
def test_hosts_are_cut_into_waves(case: dict[str, Any]) -> None:
    waves = waves_of(hosts_of(case["hosts"]), Rollout(**case["rollout"]))

    assert [_shown(wave) for wave in waves] == case["waves"]


def test_racks_of_the_same_name_in_two_pops_are_two_places() -> None:
    hosts = [
        a_host(f"{pop}-{number}", pop=a_pop(pop), rack="r1") for pop in ("fra1", "gru1") for number in (1, 2)
    ]

    waves = waves_of(hosts, Rollout(spread="rack", max_out=1))

    assert [[host.name for host in wave.hosts] for wave in waves] == [
        ["fra1-1", "gru1-1"],
        ["fra1-2", "gru1-2"],
    ]


shares = st.one_of(st.integers(1, 40), st.floats(0.01, 1.0))
rollouts = st.builds(
    Rollout,
    canary=st.integers(0, 5),
    waves=st.lists(shares, min_size=1, max_size=4),
    spread=st.sampled_from(["", "pop", "metro", "region", "rack"]),
    max_out=st.none() | shares,
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


@given(fleets, shares)
def test_no_wave_takes_more_of_a_pop_than_max_out(hosts: Any, share: float) -> None:
    sizes = Counter(host.pop.name for host in hosts)
    for wave in waves_of(hosts, Rollout(max_out=share)):
        for pop, out in Counter(host.pop.name for host in wave.hosts).items():
            assert out <= count_of(share, sizes[pop])
