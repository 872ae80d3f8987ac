"""A budget stops new hosts at once; running hosts finish their current task."""

from __future__ import annotations

from edgectl.engine.outcome import exit_code
from edgectl.errors import ExitCode
from tests.faults.conftest import BootSite
from tests.faults.rig import Controller, count_up, disagreements

_FAILS = {**count_up(1), "failed_when": True}


def test_hosts_behind_a_spent_budget_are_not_run_and_untouched(boot_site: BootSite) -> None:
    sites = [boot_site(f"n{number:02}") for number in range(1, 5)]
    run = Controller(sites).run([_FAILS], rollout={"waves": [1, "100%"], "max_failed": 0})
    assert [host.status for host in run.hosts] == ["failed", "not_run", "not_run", "not_run"]
    assert exit_code(run) is ExitCode.STOPPED
    for host, site in zip(run.hosts, sites, strict=True):
        assert disagreements(host, site.truth(run.run), 1) == []


def test_an_unreachable_canary_stops_the_run_before_any_other_host(boot_site: BootSite) -> None:
    sites = [boot_site(f"n{number:02}") for number in range(1, 4)]
    sites[0].proxy.refuse()
    run = Controller(sites).run([count_up(1)], rollout={"canary": 1})
    assert [host.status for host in run.hosts] == ["unreachable", "not_run", "not_run"]
    assert "the canary n01 ended as unreachable" in run.stopped
    assert [site.truth(run.run).ran for site in sites] == [{}, {}, {}]


def test_a_host_that_runs_when_the_budget_is_spent_is_not_cut_off(boot_site: BootSite) -> None:
    sites = [boot_site(f"n{number:02}") for number in range(1, 4)]
    tasks = [
        {**count_up(1), "when": "inventory_hostname == 'n01'", "failed_when": True},
        {**count_up(2, sleep_s=1), "when": "inventory_hostname == 'n02'"},
    ]
    run = Controller(sites).run(tasks, rollout={"waves": [2, "100%"], "max_failed": 0})
    assert [host.status for host in run.hosts] == ["failed", "changed", "not_run"]
    assert [site.truth(run.run).ran for site in sites] == [{1: 1}, {2: 1}, {}]
