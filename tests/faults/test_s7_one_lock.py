"""Two runs never change one host at the same time; the second says who holds it, which run, which task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgectl.engine.outcome import RunOutcome, exit_code
from edgectl.errors import ExitCode
from tests.faults.proxy import End
from tests.faults.rig import Controller, Site, count_up, told, when_task


def _beside(site: Site, then: Callable[[], Any] = lambda: None) -> tuple[RunOutcome, RunOutcome]:
    """Start a second run while the first is in its task, and return how both ended."""
    seconds: list[RunOutcome] = []

    def start_another() -> None:
        then()
        seconds.append(Controller([site]).run([count_up(9)]))

    slow = [count_up(1, sleep_s=2), count_up(2)]
    first = Controller([site], observers=[when_task("t1", start_another)]).run(slow)
    return first, seconds[0]


def test_the_second_of_two_controllers_changes_nothing_and_says_who_holds_the_host(site: Site) -> None:
    first, second = _beside(site)
    (host,) = second.hosts
    assert (host.status, exit_code(second)) == ("busy", ExitCode.BUSY)
    assert host.reason.startswith(f"held by a test, run {first.run}, in 't1', for 0:00:0"), host.reason
    assert first.hosts[0].status == "changed"
    assert site.truth(first.run).ran == {1: 1, 2: 1}
    assert (told(host), site.truth(second.run).begun()) == ([], [])


def test_a_host_whose_controller_lost_its_line_is_still_held(site: Site) -> None:
    first, second = _beside(site, then=lambda: site.proxy.end_all(End.RESET))
    assert second.hosts[0].status == "busy"
    assert first.hosts[0].status == "changed"
    assert site.truth(first.run).ran == {1: 1, 2: 1}


def test_a_host_is_free_again_when_its_run_has_ended(site: Site) -> None:
    for number in (1, 2):
        (host,) = Controller([site]).run([count_up(number)]).hosts
        assert host.status == "changed", host
