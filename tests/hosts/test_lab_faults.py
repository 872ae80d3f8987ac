"""Faults apply at once, last until they are cleared, and look like the real thing."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import paramiko
import pytest

from edgectl.errors import InputError
from edgectl.lab.lifecycle import LabStatus, fault, status
from tests.hosts.lab_box import CLOCK, PORT, Box, await_box, lab
from tests.hosts.test_lab_packages import await_box_after_reboot

__all__ = ["lab"]


@pytest.fixture(scope="module")
def gpu_box(lab: LabStatus) -> Box:
    box = Box(lab.directory, lab.hosts[0].address)
    box.ok("apt-get -y install nvidia-open")
    box.run("reboot")
    box.close()
    return await_box_after_reboot(lab, lab.hosts[0].address)


def _smi(box: Box) -> ET.Element:
    return ET.fromstring(box.ok("nvidia-smi -q -x"))


def test_an_unreachable_host_drops_its_connections_and_refuses_new_ones(lab: LabStatus) -> None:
    host = lab.hosts[1]
    box = Box(lab.directory, host.address)
    now = fault(lab.directory, host.name, "unreachable")
    assert now.hosts[1].faults == ("unreachable refuse",)
    transport = box.client.get_transport()
    assert transport
    transport.join(10)
    with pytest.raises(ConnectionRefusedError):
        Box(lab.directory, host.address)
    fault(lab.directory, host.name, "clear")
    Box(lab.directory, host.address).close()
    box.close()


def test_a_silent_host_answers_nothing(lab: LabStatus) -> None:
    host = lab.hosts[1]
    fault(lab.directory, host.name, "unreachable", "silent")
    with paramiko.Transport((host.address, PORT)) as transport:
        transport.banner_timeout = 1
        with pytest.raises(paramiko.SSHException):
            transport.start_client(timeout=3)
    fault(lab.directory, host.name, "clear")


def test_a_slow_host_is_slow_on_open_connections_too(lab: LabStatus) -> None:
    host = lab.hosts[1]
    box = Box(lab.directory, host.address)
    fault(lab.directory, host.name, "slow", "200")
    started = CLOCK.monotonic()
    box.ok("true")
    assert CLOCK.monotonic() - started >= 0.2
    fault(lab.directory, host.name, "clear")
    box.close()


def test_a_changed_host_key_is_another_key_until_cleared(lab: LabStatus) -> None:
    host = lab.hosts[1]
    fault(lab.directory, host.name, "hostkey")
    with pytest.raises(paramiko.BadHostKeyException):
        Box(lab.directory, host.address)
    fault(lab.directory, host.name, "clear")
    Box(lab.directory, host.address).close()


@pytest.mark.parametrize("kind", ["reboot", "power-cut"])
def test_a_host_comes_back_with_another_boot_id_and_the_same_disk(lab: LabStatus, kind: str) -> None:
    host = lab.hosts[1]
    box = Box(lab.directory, host.address)
    before = box.ok("touch /etc/kept; cat /proc/sys/kernel/random/boot_id")
    assert fault(lab.directory, host.name, kind).hosts[1].faults == ()
    box.await_end()
    box = await_box(lab.directory, host.address)
    assert box.ok("cat /proc/sys/kernel/random/boot_id; ls /etc/kept") not in ("", f"{before}\n/etc/kept")
    assert box.ok("ls /etc/kept") == "/etc/kept"
    box.close()


def test_gpu_faults_show_in_nvidia_smi_and_the_kernel_log(lab: LabStatus, gpu_box: Box) -> None:
    name = lab.hosts[0].name
    assert _smi(gpu_box).findtext("attached_gpus") == "2"
    fault(lab.directory, name, "gpu-ecc", "1")
    fault(lab.directory, name, "gpu-hot", "0")
    first, second = _smi(gpu_box).findall("gpu")
    assert second.findtext("remapped_rows/remapped_row_pending") == "Yes"
    assert second.findtext("ecc_errors/volatile/dram_uncorrectable") == "1"
    assert first.findtext("clocks_event_reasons/clocks_event_reason_hw_thermal_slowdown") == "Active"
    fault(lab.directory, name, "gpu-lost", "1")
    assert _smi(gpu_box).findtext("attached_gpus") == "1"
    assert "fallen off the bus" in gpu_box.ok("dmesg")
    fault(lab.directory, name, "gpu-xid", "119")
    assert ": 119, " in gpu_box.ok("journalctl -k -o cat")
    assert len(status(lab.directory).hosts[0].faults) == 4
    uuid = first.findtext("uuid")
    fault(lab.directory, name, "clear")
    assert status(lab.directory).hosts[0].faults == ()
    assert [gpu.findtext("remapped_rows/remapped_row_pending") for gpu in _smi(gpu_box).findall("gpu")] == [
        "No"
    ] * 2
    assert _smi(gpu_box).findall("gpu")[0].findtext("uuid") == uuid


def test_a_full_disk_refuses_writes_until_cleared(lab: LabStatus, gpu_box: Box) -> None:
    fault(lab.directory, lab.hosts[0].name, "disk-full")
    assert "No space left" in gpu_box.run("cp /etc/passwd /etc/full").err
    fault(lab.directory, lab.hosts[0].name, "clear")
    gpu_box.ok("cp /etc/passwd /etc/full")


@pytest.mark.parametrize(("host", "kind", "value"), [("nobody", "slow", None), ("fra1-r1-n01", "wet", None),
                                                     ("fra1-r1-n01", "slow", "fast")])  # fmt: skip
def test_a_wrong_fault_says_what_is_right(lab: LabStatus, host: str, kind: str, value: str | None) -> None:
    with pytest.raises(InputError):
        fault(lab.directory, host, kind, value)
