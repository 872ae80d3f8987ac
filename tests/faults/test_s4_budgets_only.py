"""One host's trouble delays another host only through a budget."""

from __future__ import annotations

from collections.abc import Callable

from edgectl.engine.events import HostEnded
from tests.fakes.observers import Witness
from tests.faults.conftest import BootSite
from tests.faults.milestones import Milestone
from tests.faults.proxy import End, Line
from tests.faults.rig import Controller, count_up, disagreements


def _always(line: Line) -> Callable[[int], Line]:
    return lambda _: line


def test_hosts_that_stall_end_after_those_that_do_not(boot_site: BootSite) -> None:
    names = [f"n{number:02}" for number in range(1, 8)]
    sites = [boot_site(name) for name in names]
    for site, at in zip(sites, Milestone, strict=False):
        site.proxy.plan(_always(Line(End.FREEZE, at)))
    sites[4].proxy.blackhole()
    witness = Witness()
    run = Controller(sites, observers=[witness]).run([count_up(1)])
    assert [host.status for host in run.hosts] == ["unreachable"] * 5 + ["changed"] * 2
    ended = [event.outcome.host for event in witness.of(HostEnded)]
    assert set(ended[:2]) == {"n06", "n07"}
    for host, site in zip(run.hosts, sites, strict=True):
        assert disagreements(host, site.truth(run.run), 1) == []
