"""`provision` on lab hosts, from bare to accepted and again, and what it says where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from edgectl.lab.lifecycle import LabStatus, down, fault
from tests.cli_run import Edgectl, Ended
from tests.hosts.lab_box import Box, address_base, bring_up

_DRIVER = "580.105.08"
ROOT = Path(__file__).parents[2]
# All that a host keeps, but what edgectl keeps for itself there, and the logs of being looked at.
_TREE = """\
find /etc /opt /root /srv /home /usr/local /var -xdev \\( -path /var/lib/edgectl -o -path /var/log \\) -prune \\
  -o -type f -printf '%p %m %u %T@ ' -exec sha256sum {} \\; -o -printf '%p %m %u %l\\n' | sort | sha256sum
"""


@dataclass(frozen=True)
class Site:
    lab: LabStatus
    edgectl: Edgectl

    def on(self, number: int, command: str) -> str:
        box = Box(self.lab.directory, self.lab.hosts[number].address)
        try:
            return box.ok(command)
        finally:
            box.close()

    def on_all(self, command: str) -> list[str]:
        return [self.on(number, command) for number in range(len(self.lab.hosts))]

    def provision(self, *words: str) -> Ended:
        return self.edgectl("provision", *words, "-o", "json")

    def name(self, number: int) -> str:
        return self.lab.hosts[number].name


def _site(folder: Path, first: int, hosts: int) -> Site:
    lab = bring_up(folder / "lab", f"{address_base()}.{first}", hosts)
    home = folder / "home"
    home.mkdir()
    return Site(lab, Edgectl(home, lab.inventory, {}))


@dataclass(frozen=True)
class Course:
    """From bare to accepted, step by step."""

    site: Site
    unasked: Ended
    check: Ended
    check_table: Ended
    trees: list[list[str]]  # before, after being unasked, after the checks
    boots: list[list[str]]  # before and after the apply
    applied: Ended
    again: Ended
    check_again: Ended
    boots_again: list[str]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    site = _site(tmp_path_factory.mktemp("provision"), 71, 3)
    try:
        yield _run(site)
    finally:
        down(site.lab.directory)


def _run(site: Site) -> Course:
    boot = "cat /proc/sys/kernel/random/boot_id"
    before, bare = site.on_all(_TREE), site.on_all(boot)
    unasked = site.provision("all")
    after_unasked = site.on_all(_TREE)
    check = site.provision("all", "--check", "--exit-code")
    check_table = site.edgectl("provision", "all", "--check")
    after_check = site.on_all(_TREE)
    applied = site.provision("all", "-y")
    boots = [bare, site.on_all(boot)]
    again = site.provision("all", "-y")
    check_again = site.provision("all", "--check", "--exit-code")
    trees = [before, after_unasked, after_check]
    return Course(
        site, unasked, check, check_table, trees, boots, applied, again, check_again, site.on_all(boot)
    )


def test_without_a_terminal_it_asks_for_a_flag_and_does_nothing(course: Course) -> None:
    assert course.unasked.code == 2
    assert "-y" in course.unasked.err
    assert course.trees[1] == course.trees[0]


def test_a_check_changes_nothing(course: Course) -> None:
    assert course.trees[2] == course.trees[0]
    assert course.check.report()["summary"]["changed"] == 3


def test_a_check_that_finds_changes_to_make_exits_with_10_if_asked_for_a_code(course: Course) -> None:
    assert (course.check.code, course.check_table.code, course.check_again.code) == (10, 0, 0)


def test_the_plan_is_told_once_for_hosts_that_need_the_same(course: Course) -> None:
    said = course.check_table.out
    assert "Plan   3 hosts, 1 PoP, 1 distinct plan · 6 reboots" in said
    assert "fra1-r1-n[01-03]" in said
    assert "driver / packages" in said


def test_every_node_is_changed_accepted_and_rebooted_once(course: Course) -> None:
    report = course.applied.report()
    assert (course.applied.code, report["summary"]["changed"]) == (0, 3)
    assert all(host["data"]["accepted"] for host in report["hosts"])
    before, after = course.boots
    assert not set(before) & set(after)
    assert course.boots_again == after


def test_a_second_time_there_is_nothing_to_do(course: Course) -> None:
    summary = course.again.report()["summary"]
    assert (course.again.code, summary["ok"], summary["changed"]) == (0, 3, 0)


def test_what_the_check_foretold_is_what_was_done(course: Course) -> None:
    for host in course.check.report()["hosts"]:
        # What a package starts by itself is known only when it is there.
        done = {*course.applied.host(host["host"])["data"]["changes"], "time sync / running"}
        assert [change for change in host["data"]["changes"] if change not in done] == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nvidia-smi --query-gpu=driver_version --format=csv,noheader | sort -u", _DRIVER),
        ("systemctl is-enabled chrony nvidia-persistenced nvidia-dcgm", "enabled\nenabled\nenabled"),
        ("systemctl is-active chrony nvidia-persistenced nvidia-dcgm", "active\nactive\nactive"),
        ("cat /etc/sysctl.d/90-edgectl.conf | grep -c =", "3"),
        ("stat -c %a /etc/security/limits.d/90-edgectl.conf", "644"),
        ("ls /run/reboot-required 2>/dev/null; true", ""),
    ],
)
def test_an_accepted_node_is_as_the_playbook_says(course: Course, command: str, said: str) -> None:
    assert course.site.on_all(command) == [said] * 3


def test_what_was_pinned_is_held(course: Course) -> None:
    held = course.site.on(0, "apt-mark showhold").split()
    assert {"nvidia-open", "nvidia-kernel-open-dkms", "nvidia-container-toolkit"} <= set(held)
    assert "datacenter-gpu-manager-4-core" in held
    pins = course.site.on(0, "cat /etc/apt/preferences.d/edgectl-nvidia")
    assert "Package: nvidia-open\nPin: version 580.105.08-1\n" in pins
    assert "Pin: version 580.*" in pins


def test_drift_at_one_node_is_mended_there_alone(course: Course) -> None:
    course.site.on(
        1, "rm /etc/sysctl.d/90-edgectl.conf; systemctl disable --now chrony; apt-mark unhold nvidia-open"
    )
    ended = course.site.provision("all", "-y")
    assert (ended.code, ended.report()["summary"]["changed"], ended.report()["summary"]["ok"]) == (0, 1, 2)
    changes = ended.host(course.site.name(1))["data"]["changes"]
    assert [change.split(" (")[0] for change in changes] == [
        "time sync / running",
        "kernel / settings",
        "driver / hold",
    ]


def test_a_node_that_lost_a_gpu_is_not_accepted_and_the_counts_are_named(course: Course) -> None:
    site = course.site
    fault(site.lab.directory, site.name(2), "gpu-lost", "1")
    try:
        ended = site.provision(site.name(2), "-y")
        site.on(2, "rm /etc/sysctl.d/90-edgectl.conf")
        drifted = site.provision(site.name(2), "-y")
    finally:
        fault(site.lab.directory, site.name(2), "clear")
    host = ended.host(site.name(2))
    assert (ended.code, host["status"], host["failed_task"]) == (4, "failed", "accept / GPU count")
    assert host["reason"] == "1 GPUs answer, the inventory promises 2"
    assert not host["data"]["accepted"]
    assert drifted.host(site.name(2))["reason"] == host["reason"]
    assert site.on(2, "grep -c = /etc/sysctl.d/90-edgectl.conf") == "3"


def test_a_node_that_cannot_be_reached_is_reported_and_the_others_are_done(course: Course) -> None:
    site = course.site
    site.on(0, "rm /etc/sysctl.d/90-edgectl.conf")
    fault(site.lab.directory, site.name(1), "unreachable")
    try:
        ended = site.provision("all", "-y")
        told = site.edgectl("provision", "all", "--check")
    finally:
        fault(site.lab.directory, site.name(1), "clear")
    statuses = {host["host"]: host["status"] for host in ended.report()["hosts"]}
    assert statuses == {site.name(0): "changed", site.name(1): "unreachable", site.name(2): "ok"}
    assert (ended.code, told.code) == (5, 5)
    assert "connection refused" in ended.host(site.name(1))["reason"]
    assert f"unreachable  {site.name(1)}" in told.out


def test_a_canary_that_cannot_be_reached_is_not_the_one_that_is_tried_first(course: Course) -> None:
    site = course.site
    site.on(2, "rm /etc/sysctl.d/90-edgectl.conf")
    fault(site.lab.directory, site.name(0), "unreachable")
    try:
        ended = site.provision("all", "-y")
    finally:
        fault(site.lab.directory, site.name(0), "clear")
    assert ended.host(site.name(2))["status"] == "changed"
    assert (ended.code, ended.host(site.name(0))["status"]) == (5, "unreachable")


def test_exit_code_without_check_is_a_wrong_command_line(course: Course) -> None:
    ended = course.site.provision("all", "--exit-code")
    assert (ended.code, "--exit-code needs --check" in ended.err) == (2, True)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Site]:
    """One host that nobody has touched."""
    site = _site(tmp_path, 81, 1)
    yield site
    down(site.lab.directory)


def _with_vars(site: Site, said: dict[str, object]) -> None:
    path = site.lab.inventory / "fleet.yaml"
    fleet = yaml.safe_load(path.read_text())
    fleet["pops"]["fra1"]["hosts"][site.name(0)]["vars"] |= said
    path.write_text(yaml.safe_dump(fleet))


def _with_baseline(site: Site, driver: str, toolkit: str) -> None:
    baseline = yaml.safe_load((ROOT / "inventory/baselines/rtx-pro-6000.yaml").read_text())
    baseline["baseline"] = f"lab-{driver}"
    baseline["acceptance"] |= {"cuda": False, "peers": False, "burn_in_s": None}
    baseline["driver"]["version"] = driver
    baseline["driver"]["packages"] = dict.fromkeys(baseline["driver"]["packages"], f"{driver}-1")
    baseline["runtime"]["packages"] = dict.fromkeys(baseline["runtime"]["packages"], toolkit)
    folder = site.lab.inventory / "baselines"
    folder.mkdir(exist_ok=True)
    (folder / "lab.yaml").write_text(yaml.safe_dump(baseline))


def test_the_inventory_s_baseline_is_what_is_installed_and_accepted(bare: Site) -> None:
    _with_baseline(bare, "575.57.08", "1.17.8-1")
    ended = bare.provision("all", "-y")
    assert ended.code == 0, ended
    assert bare.on(0, "nvidia-smi --query-gpu=driver_version --format=csv,noheader | sort -u") == "575.57.08"
    assert bare.on(0, "dpkg-query -W -f='${Version}' nvidia-container-toolkit") == "1.17.8-1"
    assert "Pin: version 575.*" in bare.on(0, "cat /etc/apt/preferences.d/edgectl-nvidia")
    assert bare.provision("all", "-y").report()["summary"]["ok"] == 1
    _with_baseline(bare, _DRIVER, "1.18.1-1")
    assert bare.provision("all", "-y").code == 0
    assert bare.on(0, "dpkg-query -W -f='${Version}' nvidia-open") == f"{_DRIVER}-1"
    assert bare.on(0, "dpkg-query -W -f='${Version}' nvidia-container-toolkit") == "1.18.1-1"


def test_a_driver_of_another_branch_is_refused_before_anything_is_changed(bare: Site) -> None:
    tree = bare.on(0, _TREE)
    _with_vars(bare, {"driver_branch": "575"})
    ended = bare.provision("all", "-y")
    assert ended.code == 4
    assert "the inventory says branch 575" in ended.host(bare.name(0))["reason"]
    assert bare.on(0, _TREE) == tree


@pytest.mark.parametrize(
    ("hardware", "said"),
    [
        ("labels: {}", "names no hardware for fra1-r1-n01: set `hardware`"),
        ("hardware: l40s-4", "no baseline says what l40s-4 is to run"),
    ],
)
def test_a_node_that_nobody_promised_anything_of_is_refused_without_contact(
    bare: Site, hardware: str, said: str
) -> None:
    path = bare.lab.inventory / "fleet.yaml"
    path.write_text(path.read_text().replace("hardware: rtx-pro-6000-server-2", hardware))
    ended = bare.provision("all", "-y")
    assert (ended.code, said in ended.err) == (3, True), ended


def test_no_driver_changes_under_a_live_service_unless_that_is_said(bare: Site) -> None:
    bare.on(
        0,
        "printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > /etc/systemd/system/edgectl-chat.service"
        " && systemctl daemon-reload && systemctl start edgectl-chat",
    )
    refused = bare.provision("all", "-y")
    assert (refused.code, refused.host(bare.name(0))["failed_task"]) == (
        4,
        "driver / none is live, or it may be disrupted",
    )
    assert "chat would lose its GPUs" in refused.host(bare.name(0))["reason"]
    assert bare.on(0, "dpkg-query -W nvidia-open 2>/dev/null; true") == ""
    assert bare.provision("all", "-y", "-e", "disrupt=true").code == 0
    assert bare.provision("all", "-y").report()["summary"]["ok"] == 1  # nothing to change, nothing to disrupt
