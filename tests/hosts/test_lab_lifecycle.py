"""A lab leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest
import yaml

from edgectl.errors import InputError, MissingError
from edgectl.lab.lifecycle import CRASHED_NOTE, LabSpec, LabStatus, down, status, up
from tests.hosts.lab_box import CLOCK, PORT, Box, address_base, await_box, bring_up


def _lab(tmp_path: Path) -> LabStatus:
    return bring_up(tmp_path / "lab", f"{address_base()}.101", 3)


def _processes_of(directory: Path) -> list[str]:
    mark = str(directory).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                found += [entry.name] if mark in (entry / "cmdline").read_bytes() else []
            except OSError:
                continue
    return found


def _await_no_processes(directory: Path) -> None:
    deadline = CLOCK.monotonic() + 10
    while _processes_of(directory) and CLOCK.monotonic() < deadline:
        CLOCK.sleep(0.02)
    assert not _processes_of(directory)


def test_down_leaves_no_process_mount_port_or_file(tmp_path: Path) -> None:
    lab = _lab(tmp_path)
    box = Box(lab.directory, lab.hosts[0].address)
    box.client.exec_command("sleep 1000")
    assert _processes_of(lab.directory)
    before = down(lab.directory)
    assert before
    assert [host.state for host in before.hosts] == ["up"] * 3
    assert not _processes_of(lab.directory)
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert not lab.directory.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((lab.hosts[0].address, PORT), timeout=5)
    box.close()


@pytest.mark.parametrize("victim", [0, 1, 2], ids=["supervisor", "stage", "keeper"])
def test_down_after_a_kill_leaves_nothing_either(tmp_path: Path, victim: int) -> None:
    lab = _lab(tmp_path)
    box = Box(lab.directory, lab.hosts[0].address)
    box.client.exec_command("setsid sleep 1000")
    processes = list(json.loads((lab.directory / "processes.json").read_text(encoding="utf-8")))
    os.kill(int(processes[victim]), signal.SIGKILL)
    _await_no_processes(lab.directory)
    assert status(lab.directory).notes == (CRASHED_NOTE,)
    assert down(lab.directory)
    assert not lab.directory.exists()
    box.close()


def test_up_after_a_kill_brings_a_new_lab_up(tmp_path: Path) -> None:
    lab = _lab(tmp_path)
    supervisor = next(iter(json.loads((lab.directory / "processes.json").read_text(encoding="utf-8"))))
    os.kill(int(supervisor), signal.SIGKILL)
    lab = _lab(tmp_path)
    Box(lab.directory, lab.hosts[2].address).close()
    down(lab.directory)


def test_a_host_whose_first_process_is_killed_comes_back(tmp_path: Path) -> None:
    lab = _lab(tmp_path)
    box = Box(lab.directory, lab.hosts[0].address)
    boot = box.ok("touch /etc/kept; cat /proc/sys/kernel/random/boot_id")
    name = lab.hosts[0].name
    init = next(process for process in _processes_of(lab.directory) if _comm(process) == name)
    os.kill(int(init), signal.SIGKILL)
    box.await_end()
    box = await_box(lab.directory, lab.hosts[0].address)
    assert box.ok("ls /etc/kept; cat /proc/sys/kernel/random/boot_id") != f"/etc/kept\n{boot}"
    box.close()
    down(lab.directory)


def _comm(process: str) -> str:
    return Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()


def test_up_twice_leaves_the_lab_as_it_is(tmp_path: Path) -> None:
    lab = _lab(tmp_path)
    box = Box(lab.directory, lab.hosts[0].address)
    assert up(LabSpec(lab.directory, hosts=3, first_address=f"{address_base()}.101")).notes == lab.notes
    other = up(LabSpec(lab.directory, hosts=5, first_address=f"{address_base()}.101"))
    assert (len(other.hosts), "left as it is" in other.notes[-1]) == (3, True)
    assert box.ok("echo still here") == "still here"
    box.close()
    down(lab.directory)


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    with pytest.raises(InputError, match="not a lab and not empty"):
        up(LabSpec(tmp_path))
    assert down(tmp_path) is None
    assert (tmp_path / "mine").exists()


def test_there_is_no_status_without_a_lab(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no lab in"):
        status(tmp_path)


def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    address = f"{address_base()}.121"
    with socket.create_server((address, PORT)), pytest.raises(MissingError, match=address):
        up(LabSpec(tmp_path / "lab", hosts=2, first_address=address))
    assert not (tmp_path / "lab").exists()


def test_the_inventory_names_every_host_and_pins_its_key(tmp_path: Path) -> None:
    lab = _lab(tmp_path)
    fleet = yaml.safe_load((lab.inventory / "fleet.yaml").read_text(encoding="utf-8"))
    assert fleet["defaults"]["ssh"] == {
        "user": "root",
        "port": PORT,
        "key": str(lab.directory / "client_key"),
    }
    assert fleet["pops"]["fra1"]["hosts"]["fra1-r1-n01"]["hardware"] == "rtx-pro-6000-server-2"
    assert lab.known_hosts.read_text(encoding="utf-8").startswith(
        f"[{lab.hosts[0].address}]:{PORT} ssh-ed25519 AAAA"
    )
    assert (lab.inventory / "services").is_dir()
    down(lab.directory)
