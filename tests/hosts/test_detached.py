"""Jobs apart from their session, on a real Debian with systemd and logind."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import yaml

from tests.faults.controllers import started
from tests.hosts import nspawn
from tests.hosts.debian_site import BECOME, Site, debian_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    reason = nspawn.missing()
    if reason:
        pytest.skip(reason)
    with debian_site(tmp_path_factory.mktemp("detached"), "127.64.100.1") as booted:
        yield booted


def test_logind_does_not_take_a_job_along_with_its_session(site: Site) -> None:
    long = {"name": "long", "shell": "touch /run/started; sleep 4; echo x >> /var/count"}
    thread, ended = site.start(long, {"name": "next", "shell": "touch /var/next"}, play=BECOME)
    site.wait_for("test -e /run/started")
    assert "edgectl job" in site.units()
    site.machine.run(
        "loginctl kill-session --signal=KILL $(loginctl list-sessions --no-legend | awk '$3 == \"edge\" {print $1}')"
    )
    thread.join()
    host = ended[0].host("deb1")
    assert (ended[0].code, host["status"]) == (0, "changed"), ended[0]
    assert site.machine.run("cat /var/count") == "x\n"
    assert site.units() == ""


def test_a_daemon_that_a_task_leaves_on_purpose_stays(site: Site) -> None:
    left = "nohup sh -c 'echo $$ > /run/daemon; exec sleep 1000' >/dev/null 2>&1 & sleep 0.3"
    assert site.play({"name": "leave", "shell": left}, play=BECOME).code == 0
    time.sleep(1)
    assert site.machine.run("ps -o comm= -p $(cat /run/daemon)") == "sleep\n"
    site.machine.run("kill $(cat /run/daemon)")


def test_a_job_goes_on_by_itself_after_a_boot_and_its_unit_is_gone_at_the_end(site: Site) -> None:
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = site.machine.run(boot)
    tasks = [
        {"name": "once", "shell": "echo x >> /var/once"},
        {"name": "reboot", "reboot": {}},
        {"name": "after", "shell": f"{boot} >> /var/after; cat /proc/self/cgroup > /var/cgroup"},
    ]
    path = site.folder / "reboot.yaml"
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, **BECOME, "tasks": tasks}]))
    controller = started(site.edgectl, "run", path)
    site.wait_for("grep -q '\"Rebooting\"' /var/lib/edgectl/runs/*/journal.jsonl")
    controller.kill()  # nobody is there to come back
    after = site.wait_for("cat /var/after", 60)
    assert after != before
    assert "edgectl-" in site.machine.run("cat /var/cgroup")
    site.wait_for(
        "! ls /etc/systemd/system/edgectl-* && ! ls -d /etc/systemd/system/multi-user.target.wants/edgectl-*"
    )
    assert site.machine.run("cat /var/once") == "x\n"
    journal = site.machine.run("cat /var/lib/edgectl/runs/*/journal.jsonl").splitlines()
    kinds = [json.loads(line).get("type") for line in journal]
    assert kinds[-1] == "Ended"
    assert "Booted" in kinds


def test_a_job_with_a_secret_waits_after_a_boot_for_who_can_bring_it(site: Site) -> None:
    tasks = [
        {"name": "reboot", "reboot": {}},
        {"name": "use", "shell": "cat > /var/used", "args": {"stdin": "{{ pw }}"}},
    ]
    secret = site.folder / "secret"
    secret.write_text("sw0rdf1sh")
    ended = site.play(*tasks, play={**BECOME, "secrets": {"pw": {"file": str(secret)}}})
    assert (ended.code, ended.host("deb1")["status"]) == (0, "changed"), ended
    assert site.machine.run("cat /var/used").strip() == "sw0rdf1sh"
    assert site.machine.try_run("grep -r sw0rdf1sh /var/lib/edgectl /run/edgectl /etc/systemd").stdout == ""
