"""Real machines leave nothing behind, in a network of their own as well, however their lab ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgectl.errors import MissingError
from edgectl.lab.lifecycle import CRASHED_NOTE, LabStatus, Network, down, status, up
from edgectl.lab.nspawn.debian import root_in
from edgectl.lab.nspawn.network import choose_subnet
from tests.cli_run import Edgectl
from tests.hosts import nspawn
from tests.hosts.debian_lab import (
    BOOT_ID,
    NOTHING,
    await_nothing,
    bring_up,
    debian_spec,
    first_address,
    over,
    traces,
)

_ONE, _TWO = "fra1-r1-n01", "fra1-r1-n02"
# The rule spares connections that are there, as a careful operator's would.
_CLOSE = """\
nft add table inet edge
nft add chain inet edge input '{ type filter hook input priority 0; }'
nft add rule inet edge input ct state new tcp dport 2222 drop
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a lab, with no lab in it at the end."""
    yield tmp_path / "lab"
    down(tmp_path / "lab")


def _private(folder: Path) -> LabStatus:
    """Bring up a lab whose machines have a network of their own, and so most to leave behind."""
    return bring_up(folder, network=Network.PRIVATE)


def test_down_leaves_no_process_mount_link_namespace_or_cgroup(folder: Path) -> None:
    _private(folder)
    during = traces(folder)
    assert (len(during.links), bool(during.cgroups), bool(during.processes)) == (1, True, True)
    assert (during.mounts, during.namespaces) == (frozenset(), frozenset())
    down(folder)
    assert traces(folder) == NOTHING
    assert not folder.exists()


@pytest.mark.parametrize("victim", [0, 1, 2], ids=["supervisor", "stage", "keeper"])
def test_a_kill_ends_every_machine_and_down_leaves_nothing(folder: Path, victim: int) -> None:
    _private(folder)
    processes = list(json.loads((folder / "processes.json").read_text()))
    os.kill(int(processes[victim]), signal.SIGKILL)
    give_up = time.monotonic() + 10
    while traces(folder).processes and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not traces(folder).processes
    assert status(folder).notes == (CRASHED_NOTE,)
    down(folder)
    assert traces(folder) == NOTHING


def test_a_lab_outlives_the_terminal_it_was_started_from(tmp_path: Path, folder: Path) -> None:
    if reason := nspawn.missing():
        pytest.skip(reason)
    words = [
        "lab",
        "up",
        "--backend",
        "nspawn",
        "--network",
        "private",
        "--hosts",
        "1",
        "--folder",
        str(folder),
    ]
    in_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", in_terminal, sys.executable, "-m", "edgectl", *words],
        env=os.environ | {"EDGECTL_LAB_CACHE": str(nspawn.cache())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    assert f"-i {folder}/inventory" in done.stdout
    assert over(status(folder), tmp_path / "home").exec(_ONE, "hostname") == _ONE
    assert Edgectl(tmp_path / "home", tmp_path, {})("lab", "down", "--folder", folder).code == 0
    assert traces(folder) == NOTHING


def test_a_firewall_closes_one_machine_of_a_private_network_until_it_boots(
    tmp_path: Path, folder: Path
) -> None:
    lab = over(_private(folder), tmp_path / "home")
    address = lab.status.hosts[1].address
    boot = lab.exec(_TWO, BOOT_ID)
    closed = lab.play(_TWO, {"name": "close", "shell": _CLOSE})
    assert closed.code == 0, closed
    with pytest.raises(TimeoutError):
        socket.create_connection((address, 2222), timeout=1)
    assert lab.exec(_ONE, "nft list ruleset") == ""
    lab.edgectl("lab", "fault", _TWO, "reboot", "--folder", folder)
    assert "\n" not in lab.await_printed(_TWO, f"nft list ruleset; {BOOT_ID}", other_than=boot)


def test_machines_of_a_private_network_bind_the_same_port(tmp_path: Path, folder: Path) -> None:
    lab = over(_private(folder), tmp_path / "home")
    for host in (_ONE, _TWO):
        lab.exec(host, "systemd-run python3 -m http.server 80 --bind 0.0.0.0 --directory /etc")
    fetch = "import urllib.request as u; print(u.urlopen('http://{}/hostname').read().decode())"
    there = lab.status.hosts[1].address
    assert lab.await_printed(_ONE, f'python3 -c "{fetch.format(there)}"') == _TWO


def test_a_range_that_this_machine_routes_already_is_refused_with_the_route() -> None:
    if reason := nspawn.missing():
        pytest.skip(reason)
    assert str(choose_subnet("")).startswith("10.")
    with pytest.raises(MissingError, match=r"127\.0\.0\.0/8"):
        choose_subnet("127.3.0.0/24")


def test_an_address_that_is_taken_is_said_and_nothing_is_left(folder: Path) -> None:
    address = first_address()
    with socket.create_server((address, 2222)), pytest.raises(MissingError, match=address):
        up(debian_spec(folder, hosts=1))
    await_nothing(folder)


def test_a_machine_that_cannot_boot_is_said_with_its_last_words(tmp_path: Path, folder: Path) -> None:
    spec = replace(debian_spec(folder, hosts=1), cache=str(tmp_path / "cache"))
    root_in(tmp_path / "cache").mkdir(parents=True)
    with pytest.raises(MissingError, match=r"(?s)fra1-r1-n01 did not boot.*OS root directory"):
        up(spec)
    await_nothing(folder)


def test_a_machine_without_the_programs_is_told_what_to_install(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, without which nothing else is looked at")
    edgectl = Edgectl(
        tmp_path, tmp_path, {"PATH": str(tmp_path), "EDGECTL_LAB_CACHE": str(tmp_path / "cache")}
    )
    done = edgectl("lab", "up", "--backend", "nspawn", "--folder", tmp_path / "lab")
    assert done.code == 8
    assert "apt-get install systemd-container util-linux iproute2 debootstrap" in done.err
    assert not (tmp_path / "lab").exists()
