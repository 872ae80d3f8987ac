"""The report agrees with the hosts, whatever state they are in."""

from __future__ import annotations

import pytest

from tests.faults.conftest import BootSite
from tests.faults.rig import COUNTER, Controller, Site, count_up, disagreements, told

_JOURNALS = "/var/lib/edgectl"
_SMALL_DISK = f"mkdir -p {_JOURNALS} && mount -t tmpfs -o size=256k tmpfs {_JOURNALS}"


def test_a_full_disk_under_the_journal_fails_the_host_before_anything_is_done(boot_site: BootSite) -> None:
    full = f"{_SMALL_DISK} && head -c 1m /dev/zero > {_JOURNALS}/full 2>/dev/null || true"
    site = boot_site(prepare=full)
    run = Controller([site]).run([count_up(1)])
    (host,) = run.hosts
    assert host.status == "failed"
    assert "cannot write the journal" in host.reason
    assert "no space left" in host.reason.lower()
    assert disagreements(host, site.truth(run.run), 1) == []
    assert site.truth(run.run).ran == {}


def test_a_disk_that_fills_up_stops_the_job_at_that_task(boot_site: BootSite) -> None:
    site = boot_site(prepare=_SMALL_DISK)
    says = "head -c 9000 /dev/zero | tr '\\0' x"  # more than the room the journal's last block has
    fills = {"name": "fills", "shell": f"head -c 1m /dev/zero > {_JOURNALS}/full; {says}"}
    run = Controller([site]).run([count_up(1), fills, count_up(2)])
    (host,) = run.hosts
    assert (host.status, host.failed_task) == ("failed", "fills")
    assert "the journal cannot be written" in host.reason
    assert site.truth(run.run).ran == {1: 1}


def test_a_read_only_var_fails_the_host_before_anything_is_done(boot_site: BootSite) -> None:
    site = boot_site(prepare="mount -o remount,ro /var")
    run = Controller([site]).run([count_up(1)])
    (host,) = run.hosts
    assert host.status == "failed"
    assert "read-only file system" in host.reason.lower()
    assert site.truth(run.run).ran == {}


def test_a_host_without_python_is_failed_and_left_alone(boot_site: BootSite) -> None:
    programs = "mkdir /opt/bin && ln -s /bin/sh /bin/id /bin/head /opt/bin"
    site = boot_site(prepare=programs, extra="SetEnv PATH=/opt/bin")
    run = Controller([site]).run([count_up(1)])
    assert run.hosts[0].status == "failed"
    assert "no Python 3.9 or later" in run.hosts[0].reason
    assert site.machine.run("ls /srv") == ""


def test_a_banner_and_a_talking_profile_are_not_heard_as_events(boot_site: BootSite) -> None:
    chat = 'for n in 1 2 3; do echo "EDGECTL- {\\"type\\": \\"Ended\\"}"; echo noise >&2; done'
    prepare = f"yes 'AUTHORISED USE ONLY' | head -n 200 > /etc/banner; echo '{chat}' > /root/.bashrc"
    site = boot_site(prepare=prepare, extra="Banner /etc/banner")
    run = Controller([site]).run([count_up(1)])
    (host,) = run.hosts
    assert (host.status, told(host)) == ("changed", [("t1", "changed")])
    assert site.machine.run(f"cat {COUNTER}") == "1\n"


@pytest.mark.parametrize("check", [True, False])
def test_a_task_that_leaves_a_daemon_with_its_output_open_ends(site: Site, check: bool) -> None:
    tasks = [{**count_up(1), "shell": "echo 1 >> /srv/counter; sleep 30 & echo started", "check_mode": check}]
    run = Controller([site]).run(tasks)
    (host,) = run.hosts
    assert host.status == ("ok" if check else "changed"), host
    assert site.truth(run.run).ran == ({} if check else {1: 1})


def test_what_is_called_ok_was_left_alone(site: Site) -> None:
    copies = {"name": "copies", "copy": {"content": "same\n", "dest": "/srv/file"}}
    Controller([site]).run([copies])
    before = site.see("stat -c '%i %y %z' /srv/file")
    run = Controller([site]).run([copies])
    assert (run.hosts[0].status, told(run.hosts[0])) == ("ok", [("copies", "ok")])
    assert site.see("stat -c '%i %y %z' /srv/file") == before
