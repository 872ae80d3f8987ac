"""A lab of real Debian machines is used, broken and rebooted like a fleet."""

from __future__ import annotations

import time
from collections.abc import Iterator

import paramiko
import pytest

from edgectl.errors import InputError
from edgectl.lab.lifecycle import down, fault
from tests.faults.controllers import started
from tests.hosts.debian_lab import BOOT_ID, DebianLab, bring_up, over
from tests.hosts.lab_box import PORT

_ONE, _TWO = "fra1-r1-n01", "fra1-r1-n02"
# Nothing in it may be done twice.
_ONCE = {"name": "once", "shell": "echo x >> /var/once; sleep 1000"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DebianLab]:
    folder = tmp_path_factory.mktemp("debian-lab")
    status = bring_up(folder / "lab")
    yield over(status, folder / "home")
    down(status.directory)


def test_every_machine_answers_and_is_a_debian_with_systemd_of_its_own(lab: DebianLab) -> None:
    assert lab.edgectl("ping").code == 0
    for host in (_ONE, _TWO):
        printed = lab.exec(host, "hostname; . /etc/os-release; echo $VERSION_CODENAME; cat /proc/1/comm")
        assert printed.split() == [host, "bookworm", "systemd"]
    assert lab.exec(_ONE, "sudo -n true; apt-get --version | head -1").startswith("apt 2.")


def test_a_unit_of_one_machine_is_not_the_other_s_of_the_same_name(lab: DebianLab) -> None:
    for host in (_ONE, _TWO):
        lab.exec(host, "systemd-run --unit=same --slice=same sleep 1000")
    lab.exec(_TWO, "systemctl kill --signal=KILL same.slice; systemctl stop same")
    assert lab.exec(_ONE, "systemctl is-active same; systemctl stop same") == "active"


def test_a_playbook_goes_on_after_a_reboot_in_its_middle(lab: DebianLab) -> None:
    before = lab.exec(_TWO, BOOT_ID)
    ended = lab.play(
        _TWO,
        {"name": "before", "shell": "echo x >> /var/before"},
        {"name": "reboot", "reboot": {}},
        {"name": "after", "shell": f"{BOOT_ID} > /var/after"},
    )
    assert (ended.code, ended.host(_TWO)["status"]) == (0, "changed"), ended
    assert lab.exec(_TWO, "cat /var/before") == "x"
    assert lab.exec(_TWO, "cat /var/after") == lab.exec(_TWO, BOOT_ID) != before


@pytest.mark.parametrize("kind", ["reboot", "power-cut"])
def test_a_machine_comes_back_with_another_boot_id_and_the_same_disk(lab: DebianLab, kind: str) -> None:
    before = lab.await_printed(_ONE, f"touch /etc/kept /run/lost; {BOOT_ID}")
    now = fault(lab.status.directory, _ONE, kind)
    assert [host.faults for host in now.hosts] == [(), ()]
    lab.await_printed(_ONE, BOOT_ID, other_than=before)
    assert lab.exec(_ONE, "ls /etc/kept; ls /run/lost 2>/dev/null || true") == "/etc/kept"


def test_a_task_that_a_power_cut_interrupts_is_unknown_and_not_done_again(lab: DebianLab) -> None:
    after = {"name": "after", "shell": "touch /var/reached"}
    controller = started(lab.edgectl, "run", lab.write(_ONCE, after), _ONE)
    before = lab.await_printed(_ONE, f"test -s /var/once && {BOOT_ID}")
    controller.kill()
    fault(lab.status.directory, _ONE, "power-cut")
    lab.await_printed(_ONE, BOOT_ID, other_than=before)
    resumed = lab.edgectl("runs", "resume", "-o", "json")
    host = resumed.host(_ONE)
    assert (resumed.code, host["status"], host["failed_task"]) == (5, "unknown", "once"), resumed
    assert lab.exec(_ONE, "cat /var/once; ls /var/reached 2>/dev/null || true") == "x"


@pytest.mark.parametrize(("kind", "reason"), [("unreachable", "refused"), ("hostkey", "host key changed")])
def test_a_fault_of_the_line_lasts_until_it_is_cleared(lab: DebianLab, kind: str, reason: str) -> None:
    assert fault(lab.status.directory, _TWO, kind).hosts[1].faults[0].startswith(kind)
    ended = lab.edgectl("ping", "-o", "json")
    assert (ended.code, ended.host(_ONE)["status"]) == (5, "ok")
    assert reason in ended.host(_TWO)["reason"]
    fault(lab.status.directory, _TWO, "clear")
    assert lab.edgectl("ping").code == 0


def test_a_silent_machine_takes_connections_and_answers_nothing(lab: DebianLab) -> None:
    fault(lab.status.directory, _TWO, "unreachable", "silent")
    with paramiko.Transport((lab.status.hosts[1].address, PORT)) as transport:
        transport.banner_timeout = 1
        with pytest.raises(paramiko.SSHException):
            transport.start_client(timeout=3)
    fault(lab.status.directory, _TWO, "clear")
    assert lab.edgectl("ping").code == 0


def test_a_refusing_machine_refuses_after_a_boot_as_well(lab: DebianLab) -> None:
    fault(lab.status.directory, _TWO, "unreachable")
    fault(lab.status.directory, _TWO, "power-cut")
    time.sleep(2)
    assert "refused" in lab.edgectl("ping", "-o", "json").host(_TWO)["reason"]
    fault(lab.status.directory, _TWO, "clear")
    assert lab.edgectl("ping").code == 0


def test_a_full_disk_refuses_writes_until_it_is_cleared(lab: DebianLab) -> None:
    fault(lab.status.directory, _TWO, "disk-full")
    ended = lab.edgectl("exec", _TWO, "-o", "json", "--", "true")
    assert "No space left" in ended.host(_TWO)["reason"]
    fault(lab.status.directory, _TWO, "clear")
    assert lab.exec(_TWO, "cp /etc/passwd /etc/full && echo copied") == "copied"


def test_a_fault_that_needs_a_stand_in_is_refused_with_what_there_is(lab: DebianLab) -> None:
    with pytest.raises(InputError, match="power-cut"):
        fault(lab.status.directory, _ONE, "gpu-lost", "0")
