"""A change to sshd's own configuration: kept after a fresh login, taken back where it locks us out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cli_run import ROOT
from tests.faults.controllers import started
from tests.hosts import nspawn
from tests.hosts.debian_site import BECOME, Site, debian_site

_PATH = "/etc/ssh/sshd_config.d/10-test.conf"
_HANDLER = {"name": "reload sshd", "systemd_service": {"name": "ssh", "state": "restarted"}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    reason = nspawn.missing()
    if reason:
        pytest.skip(reason)
    with debian_site(tmp_path_factory.mktemp("confirm"), "127.64.101.1") as booted:
        yield booted


def _change(content: str, within: str = "8s") -> tuple[dict[str, Any], dict[str, Any]]:
    task = {
        "name": "sshd",
        "copy": {"content": content, "dest": _PATH, "validate": "/usr/sbin/sshd -t -f %s"},
        "notify": "reload sshd",
        "confirm": within,
    }
    return task, {**BECOME, "handlers": [_HANDLER]}


def test_a_good_change_is_confirmed_by_a_fresh_login(site: Site) -> None:
    task, play = _change("LoginGraceTime 33\n")
    ended = site.play(task, play=play)
    host = ended.host("deb1")
    assert (ended.code, host["status"]) == (0, "changed"), ended
    assert next(one for one in host["tasks"] if one["name"] == "sshd")["result"]["confirmed"] is True
    assert "logingracetime 33" in site.machine.run("sshd -T")
    assert site.units() == ""
    assert site.machine.run("ls /etc/systemd/system | grep -c edgectl || true").strip() == "0"


def test_a_change_that_locks_us_out_is_taken_back_and_has_failed(site: Site) -> None:
    task, play = _change("AllowUsers root\n")
    ended = site.play(task, play=play)
    host = ended.host("deb1")
    assert (ended.code, host["status"], host["failed_task"]) == (4, "failed", "sshd"), ended
    assert "no fresh login came through within 8 s; the change was taken back" in host["reason"]
    assert "allowusers" not in site.machine.run("sshd -T")
    assert site.machine.run(f"cat {_PATH}") == "LoginGraceTime 33\n"


def test_the_shipped_policy_is_kept_where_we_still_get_in_and_nowhere_else(site: Site) -> None:
    playbook = site.folder / "sshd.yaml"
    shipped = (ROOT / "playbooks/sshd.yaml").read_text()
    assert "confirm: 120s" in shipped
    playbook.write_text(shipped.replace("confirm: 120s", "confirm: 8s"))
    lockout = site.edgectl("run", playbook, "-o", "json", "-e", '{"sshd_allow_users": ["root"]}')
    assert (lockout.code, lockout.host("deb1")["failed_task"]) == (4, "sshd / policy"), lockout
    ended = site.edgectl("run", playbook, "-o", "json")
    assert (ended.code, ended.host("deb1")["status"]) == (0, "changed"), ended
    settings = site.machine.run("sshd -T")
    assert "passwordauthentication no" in settings
    assert "allowusers" not in settings
    again = site.edgectl("run", playbook, "-o", "json")
    assert (again.code, again.host("deb1")["status"]) == (0, "ok"), again


def test_an_unconfirmed_change_does_not_survive_a_boot(site: Site) -> None:
    task, play = _change("AllowUsers root\n", "300s")
    path = site.folder / "play.yaml"
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, **play, "tasks": [task]}]))
    controller = started(site.edgectl, "run", path)
    site.wait_for("grep -q ConfirmWanted /var/lib/edgectl/runs/*/journal.jsonl")
    controller.kill()
    site.machine.try_run("systemctl reboot")
    time.sleep(2)
    nspawn.await_boot(site.machine)
    assert site.machine.run(f"cat {_PATH}") == "LoginGraceTime 33\n"
    assert site.machine.run("ls /etc/systemd/system | grep -c edgectl || true").strip() == "0"
