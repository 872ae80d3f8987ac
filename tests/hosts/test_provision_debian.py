"""A rack from bare to accepted on real Debian machines: systemd, apt, dpkg and reboots are real."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli_run import Ended
from tests.hosts import fake_dpu, nspawn, nvidia_archive
from tests.hosts.debian_rack import Rack, debian_rack

pytestmark = pytest.mark.timeout(600)
_FIRST = "/var/lib/edgectl/certificates/0001.json"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


@dataclass(frozen=True)
class Course:
    rack: Rack
    bare: list[str]
    check: Ended
    checked: list[str]
    applied: Ended
    accepted: list[str]
    again: Ended


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    if reason := nspawn.missing() or nvidia_archive.missing():
        pytest.skip(reason)
    with debian_rack(tmp_path_factory.mktemp("rack"), f"127.91.{os.getpid() % 250}", nodes=2) as rack:
        packages = "dpkg-query -W | sha256sum"
        bare, boots = rack.on_all(packages), rack.on_all(BOOT_ID)
        check = rack.provision("all", "--check")
        checked = rack.on_all(packages)
        assert rack.on_all(BOOT_ID) == boots
        yield Course(
            rack,
            bare,
            check,
            checked,
            rack.provision("all", "-y"),
            rack.on_all(BOOT_ID),
            rack.provision("all", "-y"),
        )


def test_a_check_foretells_the_packages_and_the_reboot_and_changes_nothing(course: Course) -> None:
    assert course.checked == course.bare
    changes = course.check.host("fra1-r1-n01")["data"]["changes"]
    assert {"driver / packages", "driver / reboot if due", "kernel / parameters"} <= set(changes)


def test_every_node_is_accepted_and_a_second_run_changes_nothing(course: Course) -> None:
    assert course.applied.code == 0, course.applied
    assert all(host["data"]["accepted"] for host in course.applied.report()["hosts"])
    summary = course.again.report()["summary"]
    assert (course.again.code, summary["changed"], summary["ok"]) == (0, 0, 2)
    assert course.rack.on_all(BOOT_ID) == course.accepted


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nvidia-smi --query-gpu=driver_version | sort -u", "580.105.08"),
        ("dpkg-query -W -f='${Version}' nvidia-open", "580.105.08-1"),
        ("systemctl is-enabled chrony nvidia-persistenced nvidia-dcgm | sort -u", "enabled"),
        ("systemctl is-active chrony nvidia-persistenced nvidia-dcgm | sort -u", "active"),
        ("grep -c iommu=pt /proc/cmdline", "1"),
        ("ls /run/reboot-required 2>/dev/null; true", ""),
        ("apt-mark showhold | wc -l", "10"),
        ("cat /var/lib/fake-dpu/pushes", fake_dpu.IMAGE_SHA256),
        ("systemctl is-enabled rshim", "enabled"),
        ("ls /var/lib/edgectl/certificates", "0001.json\n0001.txt"),
        ("od -An -tx1 -j262 /sys/bus/pci/devices/0000:00:01.0/config", "01 00"),
        ("systemctl is-enabled edgectl-acs", "enabled"),
    ],
)
def test_an_accepted_node_is_as_its_baseline_says(course: Course, command: str, said: str) -> None:
    assert course.rack.on_all(command) == [said] * 2


def test_a_certificate_names_the_parts_and_the_baseline_and_proves_itself(course: Course) -> None:
    certificate = course.applied.host("fra1-r1-n01")["data"]["certificate"]
    assert (certificate["serials"], certificate["number"]) == (["165010", "165011"], 1)
    assert certificate["baseline"]["name"] == "rtx-pro-6000-2026.11"
    assert course.rack.edgectl("provision", "verify").code == 0
    assert "GPU count                passed   2" in course.rack.machines["fra1-r1-n01"].run(
        "cat /var/lib/edgectl/certificates/0001.txt"
    )


def test_a_certificate_has_every_figure_beside_its_threshold(course: Course) -> None:
    tests = {
        test["name"]: test for test in course.applied.host("fra1-r1-n01")["data"]["certificate"]["tests"]
    }

    assert tests["memory bandwidth"]["threshold"] == 1110
    assert len(tests["memory bandwidth"]["figures"]) == 2
    assert tests["burn-in"]["grown"] == dict.fromkeys(tests["burn-in"]["grown"], 0)
    assert {"ecc_volatile_uncorrected", "pcie_replays", "hw_thermal_slowdown_us"} <= set(
        tests["burn-in"]["grown"]
    )
    assert tests["versions"]["packages"]["nvidia-open"] == "580.105.08-1"
    assert {"bill of materials", "CUDA on every GPU", "GPU to GPU", "boot before and after"} <= set(tests)
    assert all(test["passed"] for test in tests.values())


def test_a_plan_says_how_long_it_takes_and_what_is_out_at_once(course: Course) -> None:
    forecast = course.check.report()["data"]["forecast"]

    assert forecast["out"] == [{"domain": "metro FRA", "out": 2, "capacity": 4, "unit": "GPUs"}]
    assert (forecast["seconds"] > 600, forecast["learned_from_hosts"]) == (True, 0)
    assert "at most 50% of metro FRA out at once" in course.applied.err


def test_a_node_is_compared_with_what_it_was_born_with(course: Course) -> None:
    edgectl, machine = course.rack.edgectl, course.rack.machines["fra1-r1-n02"]
    assert edgectl("provision", "accept", "all", "--compare").code == 0

    machine.run("cp /etc/fake-nvml /root; echo gpu1.cuda.gbs=1300 >> /etc/fake-nvml")
    try:
        worse = edgectl("provision", "accept", "all", "--compare", "-o", "json")
    finally:
        machine.run("cp /root/fake-nvml /etc/fake-nvml")

    assert (worse.code, worse.host("fra1-r1-n01")["status"]) == (4, "ok")
    assert worse.host("fra1-r1-n02")["failed_task"] == "compare / birth"
    assert "born with 1,478 (-12.0%)" in worse.host("fra1-r1-n02")["reason"]


def test_a_node_whose_gpus_are_slow_is_not_accepted_unless_somebody_answers_for_it(course: Course) -> None:
    machine, edgectl = course.rack.machines["fra1-r1-n02"], course.rack.edgectl
    waiver = '{"waivers": [{"test": "memory bandwidth", "owner": "ops", "reason": "riser", "until": "2999-01-01"}]}'
    machine.run(
        f"cp /etc/fake-nvml /root; echo gpu1.cuda.gbs=812 >> /etc/fake-nvml; mv {_FIRST} /root/0001.json"
    )
    try:
        refused = edgectl("provision", "accept", "fra1-r1-n02", "-y", "-o", "json").host("fra1-r1-n02")
        waived = edgectl("provision", "accept", "fra1-r1-n02", "-y", "-o", "json", "-e", waiver)
        page = machine.run("cat /var/lib/edgectl/certificates/0001.txt")
    finally:
        machine.run(f"cp /root/fake-nvml /etc/fake-nvml; mv /root/0001.json {_FIRST}")

    why = "memory bandwidth: 812 GB/s on GPU-00000001-0000-4000-8000-000000000001, floor 1,110, cohort median 1,478"
    assert (refused["failed_task"], refused["reason"]) == ("accept / CUDA", why)
    assert (waived.code, "waived by ops until 2999-01-01: riser" in page) == (0, True), waived


def test_one_byte_that_changed_is_found_and_nothing_is_sealed_over_it(course: Course) -> None:
    machine = course.rack.machines["fra1-r1-n02"]
    machine.run(f"cp {_FIRST} /root; sed -i s/165011/165012/ {_FIRST}")
    try:
        verified = course.rack.edgectl("provision", "verify", "-o", "json")
        again = course.rack.provision("fra1-r1-n02", "-y")
    finally:
        machine.run(f"cp /root/0001.json {_FIRST}")
    assert verified.code == 4
    assert "0001.json was changed" in verified.host("fra1-r1-n02")["reason"]
    assert verified.host("fra1-r1-n01")["status"] == "ok"
    assert again.host("fra1-r1-n02")["failed_task"] == "accept / is it sealed"


def test_a_card_that_was_replaced_is_accepted_anew_in_the_same_chain(course: Course) -> None:
    machine = course.rack.machines["fra1-r1-n01"]
    machine.run("sed -i 's/16501/16777/' /usr/bin/nvidia-smi")
    applied = course.rack.provision("fra1-r1-n01", "-y")
    certificate = applied.host("fra1-r1-n01")["data"]["certificate"]
    assert (applied.code, certificate["number"], certificate["serials"]) == (0, 2, ["167770", "167771"])
    assert len(certificate["previous"]) == 64
    assert course.rack.edgectl("provision", "verify").code == 0


def test_a_plan_on_file_is_carried_out_as_it_was_reviewed_or_not_at_all(
    course: Course, tmp_path: Path
) -> None:
    machine, plan = course.rack.machines["fra1-r1-n02"], tmp_path / "plan.json"
    machine.run("apt-mark unhold nvidia-open && systemctl disable nvidia-dcgm")
    planned = course.rack.edgectl("provision", "plan", "fra1-r1-n02", "--out", plan)
    assert (planned.code, "driver / hold" in planned.out) == (0, True), planned

    machine.run("rm /etc/modprobe.d/edgectl-nouveau.conf")
    moved = course.rack.edgectl("provision", "apply", plan, "-y")
    assert (moved.code, "'driver / nouveau stays away' came in between" in moved.err) == (6, True), moved
    assert "nvidia-open" not in machine.run("apt-mark showhold")

    assert course.rack.edgectl("provision", "plan", "fra1-r1-n02", "--out", plan).code == 0
    applied = course.rack.edgectl("provision", "apply", plan, "-y", "-o", "json")
    changes = applied.host("fra1-r1-n02")["data"]["changes"]
    assert applied.code == 0, applied
    assert changes == [
        "driver / nouveau stays away",
        "driver / hold",
        "rebuild the initramfs",
        "telemetry / services enabled and running (nvidia-dcgm)",
    ]
    assert "is not a plan" in course.rack.edgectl("provision", "apply", __file__, "-y").err
