"""A lost connection neither kills nor repeats a task; the controller continues reading where it stopped."""

from __future__ import annotations

import pytest

from edgectl.engine.events import HostLost, HostSaid
from edgectl.engine.ports import Patience
from edgectl.remote.protocol import TaskStarted
from edgectl.ssh.dial import Deadlines
from tests.faults import campaign
from tests.faults.conftest import BootSite
from tests.faults.proxy import End, Line
from tests.faults.rig import Controller, Site, count_up, disagreements, told, when_task


@pytest.mark.parametrize("end", list(End))
def test_a_line_that_ends_in_a_task_delays_the_report_and_nothing_else(site: Site, end: End) -> None:
    tasks = [count_up(1), count_up(2, sleep_s=2), count_up(3)]
    witness = when_task("t2", lambda: site.proxy.end_all(end))
    run = Controller([site], observers=[witness]).run(tasks)
    (host,) = run.hosts
    assert len(witness.of(HostLost)) == 1
    assert site.proxy.accepted == 2
    assert host.status == "changed", host
    assert disagreements(host, site.truth(run.run), len(tasks)) == []


@pytest.mark.parametrize("end", list(End))
def test_no_task_is_told_twice_after_the_line_came_back(site: Site, end: End) -> None:
    tasks = [count_up(number, sleep_s=0.2) for number in range(1, 6)]
    witness = when_task("t4", lambda: site.proxy.end_all(end))
    run = Controller([site], observers=[witness]).run(tasks)
    began = [said.message.name for said in witness.of(HostSaid) if isinstance(said.message, TaskStarted)]
    assert began == [f"t{number}" for number in range(1, 6)]
    assert told(run.hosts[0]) == [(name, "changed") for name in began]


def test_a_host_that_never_comes_back_is_unknown_and_its_work_goes_on(site: Site) -> None:
    tasks = [count_up(1, sleep_s=1), count_up(2)]

    def away() -> None:
        site.proxy.refuse()
        site.proxy.end_all(End.RESET)

    run = Controller([site], observers=[when_task("t1", away)], patience=Patience(come_back_s=3)).run(tasks)
    (host,) = run.hosts
    assert host.status == "unknown"
    assert "line lost in 't1'" in host.reason
    assert site.truth(run.run).ran == {1: 1, 2: 1}


def test_latency_and_late_segments_change_nothing(site: Site) -> None:
    site.proxy.plan(lambda _: Line(latency_s=0.3, straggler_share=0.05, straggler_s=2))
    run = Controller([site], deadlines=Deadlines()).run([count_up(number) for number in range(1, 6)])
    (host,) = run.hosts
    assert host.status == "changed"
    assert disagreements(host, site.truth(run.run), 5) == []


def test_a_narrow_line_carries_a_whole_run(site: Site) -> None:
    site.proxy.plan(lambda _: Line(bytes_per_s=32_000))
    run = Controller([site]).run([count_up(number) for number in range(1, 6)])
    (host,) = run.hosts
    assert host.status == "changed"
    assert disagreements(host, site.truth(run.run), 5) == []


def test_resets_at_random_moments_lose_double_and_misreport_nothing(boot_site: BootSite) -> None:
    tally = campaign.resets([boot_site("n01"), boot_site("n02")], runs=12, seed=1)
    assert tally.lost + tally.doubled + tally.misreported == [], str(tally)
    assert tally.statuses == {"changed": 12}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_resets_lose_double_and_misreport_nothing(
    boot_site: BootSite, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = campaign.resets([boot_site(f"n{number:02}") for number in range(1, 5)], runs=200, seed=1000)
    with capsys.disabled():
        print(f"\n{tally}")  # noqa: T201 - a campaign's product
    assert tally.lost + tally.doubled + tally.misreported == [], str(tally)
