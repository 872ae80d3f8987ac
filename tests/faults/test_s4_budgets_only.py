"""One host's trouble delays another host only through a budget."""

from __future__ import annotations

from collections.abc import Callable

from edgectl.engine.events import HostEnded
from tests.fakes.observers import Witness
from tests.faults.conftest import BootSite
from tests.faults.milestones import Milestone
from tests.faults.proxy import End, Line
from tests.faults.rig import Controller, Site, count_up, disagreements


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


def test_a_server_that_drops_most_handshakes_gets_all_its_hosts_done(crowd: list[Site]) -> None:
    run = Controller(crowd).run([{"name": "t1", "shell": 'echo 1 >> "$EDGECTL_HOST_ROOT/counter"'}])
    assert [(host.status, host.reason) for host in run.hosts] == [("changed", "")] * 8
    assert crowd[0].see("cat /srv/*/counter") == "1\n" * 8
    assert sum(site.proxy.accepted for site in crowd) > len(crowd)
