"""apt and dpkg at a lab host keep real state, and a driver needs a boot."""

from __future__ import annotations

from edgectl.lab.lifecycle import LabStatus
from tests.hosts.lab_box import CLOCK, Box, await_box, box, lab

__all__ = ["box", "lab"]

_VERSION = "dpkg-query -W -f='${Version}' "


def test_a_package_is_installed_once_with_its_service(box: Box) -> None:
    assert "1 newly installed" in box.ok("apt-get -y install chrony=4.3-2")
    assert box.ok("systemctl is-active chrony; " + _VERSION + "chrony") == "active\n4.3-2"
    assert "0 newly installed" in box.ok("apt-get -y install chrony=4.3-2")
    assert "1 upgraded" in box.ok("apt-get -y install chrony")
    assert "Inst nginx" in box.ok("apt-get -s install nginx")
    assert box.run("dpkg -s nginx").code == 1


def test_a_hold_holds(box: Box) -> None:
    box.ok("apt-get -y install jq=1.6-2.1 && apt-mark hold jq")
    assert box.ok("apt-mark showhold") == "jq"
    assert "0 upgraded" in box.ok("apt-get -y install jq | tail -1")
    assert box.run("apt-get -y install jq=1.6-2.1+deb12u1").code == 100
    box.ok("apt-get -y --allow-change-held-packages install jq=1.6-2.1+deb12u1")
    assert box.ok("dpkg-query -W -f='${db:Status-Abbrev}' jq").startswith("hi")


def test_unknown_packages_and_versions_fail_as_with_apt(box: Box) -> None:
    done = box.run("apt-get -y install nothing-such")
    assert (done.code, done.err) == (100, "E: Unable to locate package nothing-such\n")
    assert "Version '9' for 'curl' was not found" in box.run("apt-get -y install curl=9").err


def test_without_yes_nothing_is_changed_when_nobody_answers(box: Box) -> None:
    assert box.run("apt-get install tree").code == 1
    assert box.run("dpkg -s tree").code == 1


def test_a_driver_is_loaded_by_a_boot(lab: LabStatus) -> None:
    address = lab.hosts[2].address
    box = Box(lab.directory, address)
    assert box.run("nvidia-smi").code == 9
    box.ok("apt-get -y install nvidia-open=580.95.05-1; test -e /run/reboot-required")
    assert box.run("nvidia-smi").code == 9
    box.run("reboot")
    box.close()
    box = await_box_after_reboot(lab, address)
    query = "nvidia-smi --query-gpu=driver_version,memory.total --format=csv,noheader,nounits"
    assert box.ok(query) == "580.95.05, 97887\n580.95.05, 97887"
    assert box.run("test -e /run/reboot-required").code == 1
    box.ok("apt-get -y install nvidia-open")
    assert "Driver/library version mismatch" in box.run("nvidia-smi -L").out
    box.close()


def await_box_after_reboot(lab: LabStatus, address: str) -> Box:
    deadline = CLOCK.monotonic() + 20
    while CLOCK.monotonic() < deadline:
        box = await_box(lab.directory, address)
        if box.run("test -e /run/edgectl-lab/driver").code == 0:
            return box
        box.close()
        CLOCK.sleep(0.05)
    raise AssertionError("the host did not come back with a driver")
