"""Nothing waits without a deadline: connect, handshake, authentication, silence, task."""

from __future__ import annotations

import pytest

from tests.faults.conftest import BootSite
from tests.faults.milestones import Milestone
from tests.faults.proxy import End, Line
from tests.faults.rig import Controller, Site, count_up, disagreements

TASKS = [count_up(1), count_up(2)]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (Milestone.ACCEPT, "the port is open, but no SSH server spoke within 4 s"),
        (Milestone.BANNER, "the host fell silent in the SSH handshake, for 4 s"),
        (Milestone.KEXINIT, "the host fell silent in the SSH handshake, for 4 s"),
        (Milestone.NEWKEYS, "logging in as root: no answer in time"),
    ],
)
def test_a_stall_before_the_login_is_unreachable_with_its_phase(site: Site, at: Milestone, said: str) -> None:
    site.proxy.plan(lambda _: Line(End.FREEZE, at))
    run = Controller([site]).run(TASKS)
    (host,) = run.hosts
    assert (host.status, host.reason) == ("unreachable", said)
    assert disagreements(host, site.truth(run.run), len(TASKS)) == []


@pytest.mark.parametrize("at", list(Milestone))
def test_a_reset_before_the_login_is_unreachable_after_a_few_attempts(site: Site, at: Milestone) -> None:
    site.proxy.plan(lambda _: Line(End.RESET, at))
    run = Controller([site]).run(TASKS)
    (host,) = run.hosts
    assert host.status == "unreachable"
    assert 3 <= site.proxy.accepted <= 6
    assert disagreements(host, site.truth(run.run), len(TASKS)) == []


@pytest.mark.parametrize("at", list(Milestone))
def test_a_single_reset_before_the_login_is_not_noticed(site: Site, at: Milestone) -> None:
    first = site.proxy.accepted
    site.proxy.plan(lambda number: Line(End.RESET, at) if number == first else Line())
    run = Controller([site]).run(TASKS)
    (host,) = run.hosts
    assert host.status == "changed", host
    assert disagreements(host, site.truth(run.run), len(TASKS)) == []


def test_a_refusing_port_is_unreachable_with_that_reason(site: Site) -> None:
    site.proxy.refuse()
    run = Controller([site]).run(TASKS)
    assert run.hosts[0].status == "unreachable"
    assert run.hosts[0].reason.endswith("connection refused")
    assert disagreements(run.hosts[0], site.truth(run.run), len(TASKS)) == []


def test_a_port_that_answers_nobody_is_unreachable_in_time(site: Site) -> None:
    site.proxy.blackhole()
    run = Controller([site]).run(TASKS)
    assert run.hosts[0].status == "unreachable"
    assert run.hosts[0].reason.endswith("no answer in time")
    assert disagreements(run.hosts[0], site.truth(run.run), len(TASKS)) == []


def test_a_profile_that_hangs_is_unknown_with_its_words_and_nothing_is_done_later(
    boot_site: BootSite,
) -> None:
    hangs = "printf 'echo waiting for the licence server; sleep 12\\n' > /root/.bashrc"
    site = boot_site(prepare=hangs)
    run = Controller([site]).run(TASKS)
    (host,) = run.hosts
    assert host.status == "unknown"
    assert "the login succeeded, but no answer" in host.reason
    assert "waiting for the licence server" in host.reason
    site.machine.run("while pgrep -x sleep >/dev/null; do :; done; sleep 2")
    assert site.machine.run("ls /srv") == ""


def test_a_task_that_takes_too_long_is_stopped_with_all_it_started(site: Site) -> None:
    tasks = [{**count_up(1), "shell": "echo 1 >> /srv/counter; sleep 1000 & sleep 1001", "timeout": 1}]
    run = Controller([site]).run(tasks)
    (host,) = run.hosts
    assert host.status == "failed"
    assert host.failed_task == "t1"
    assert site.truth(run.run).ran == {1: 1}
    assert site.see("pgrep -fc 'sleep 100[01]' || true").strip() == "0"
