"""A forecast is the schedule itself, played through: its seconds and its peaks can be counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from edgectl.engine.domains import domains_of
from edgectl.engine.forecast import Forecast, forecast
from edgectl.engine.policy import Rollout
from edgectl.engine.schedule import Setting
from tests.fakes.fleet import hosts_of

_NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _foreseen(pops: dict[str, int], takes_s: float, *, gate: bool = False, **rollout: Any) -> Forecast:
    hosts, policy = hosts_of(pops), Rollout(**rollout)
    setting = Setting(hosts, domains_of(hosts, policy, {}), policy, has_gate=gate)
    return forecast(hosts, setting, {host.name: takes_s for host in hosts}, _NOW)


@pytest.mark.parametrize(
    ("pops", "rollout", "seconds"),
    [
        ({"fra1": 4}, {}, 60.0),  # all at once
        ({"fra1": 4}, {"canary": 1}, 120.0),  # one, then three
        ({"fra1": 4}, {"max_out": 1}, 240.0),  # one after the other
        ({"fra1": 4, "gru1": 2}, {"max_out": 1}, 240.0),  # places do not wait for each other
        ({"fra1": 4}, {"canary": 1, "soak_s": 300.0}, 420.0),
    ],
)
def test_a_run_takes_as_long_as_its_waves_and_budgets_make_it(
    pops: dict[str, int], rollout: dict[str, Any], seconds: float
) -> None:
    assert _foreseen(pops, 60.0, **rollout).seconds == seconds


def test_a_gate_is_taken_to_pass() -> None:
    assert _foreseen({"fra1": 4}, 60.0, gate=True, canary=1).seconds == 120.0


def test_what_is_out_at_once_is_told_per_place_the_largest_share_first() -> None:
    found = _foreseen({"fra1": 4, "gru1": 2}, 60.0, max_out=1, spread="metro")

    assert [(peak.domain, peak.out, peak.capacity, peak.share) for peak in found.peaks] == [
        ("metro GRU", 1, 2, 0.5),
        ("metro FRA", 1, 4, 0.25),
    ]


def test_a_host_that_needs_nothing_takes_no_time_and_is_never_out() -> None:
    hosts, policy = hosts_of({"fra1": 3}), Rollout(max_out=1)
    setting = Setting(hosts, domains_of(hosts, policy, {}), policy)

    found = forecast(hosts, setting, {"fra1-n02": 90.0}, _NOW)

    assert (found.seconds, [peak.out for peak in found.peaks]) == (90.0, [1])
