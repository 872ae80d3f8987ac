"""Nothing a lab host does can touch the machine or another lab host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgectl.lab.lifecycle import LabStatus
from tests.hosts.lab_box import Box, box, lab

__all__ = ["box", "lab"]


@pytest.mark.parametrize(
    "folder", ["/etc", "/var", "/opt", "/root", "/home", "/srv", "/tmp", "/run", "/usr/local", "/mnt", "/"]
)
def test_a_host_writes_to_folders_of_its_own(lab: LabStatus, box: Box, folder: str) -> None:
    name = "edgectl-lab-isolation"
    box.ok(f"touch {folder}/{name}")
    assert not os.path.exists(f"{folder}/{name}")  # noqa: PTH110 - no error where we may not look
    other = Box(lab.directory, lab.hosts[1].address)
    assert other.run(f"test -e {folder}/{name}").code == 1
    other.close()


@pytest.mark.parametrize("folder", ["/usr", "/usr/bin", "/usr/lib", "/sys/kernel", "/bin"])
def test_the_machine_is_read_only(box: Box, folder: str) -> None:
    assert "Read-only" in box.run(f"touch {folder}/x").err


@pytest.mark.parametrize("setting", ["vm/swappiness", "kernel/pid_max", "net/ipv4/ip_forward"])
def test_kernel_settings_of_the_machine_cannot_be_written(box: Box, setting: str) -> None:
    value = Path("/proc/sys", setting).read_text(encoding="utf-8")
    assert box.run(f"echo 1 > /proc/sys/{setting}").code != 0
    assert Path("/proc/sys", setting).read_text(encoding="utf-8") == value


def test_a_host_sees_only_its_own_processes(box: Box) -> None:
    assert int(box.ok("ls -d /proc/[0-9]* | wc -l")) < 20
    assert box.run("kill -9 -1; echo survived").code in (0, -1)


def test_a_host_has_its_own_name_and_address(lab: LabStatus, box: Box) -> None:
    assert box.ok("hostname; cat /etc/hostname") == "fra1-r1-n01\nfra1-r1-n01"
    address = lab.hosts[0].address
    assert box.ok("cat /etc/edgectl-lab/address; echo $EDGECTL_LAB_ADDRESS") == f"{address}\n{address}"
    assert box.ok("python3 -c 'import socket; print(socket.gethostbyname(socket.gethostname()))'") == address


def test_what_the_machine_keeps_private_is_not_shown(lab: LabStatus, box: Box) -> None:
    assert box.run(f"ls {lab.directory}").code == 2
    assert "edge" in box.ok("ls /home").split()


def test_other_owners_work_where_there_is_a_range_of_ids(lab: LabStatus, box: Box) -> None:
    done = box.run("touch /srv/owned && chown www-data /srv/owned && stat -c %U /srv/owned")
    if any("single user id" in note for note in lab.notes):
        assert "Invalid argument" in done.err
    else:
        assert done.out == "www-data\n"
