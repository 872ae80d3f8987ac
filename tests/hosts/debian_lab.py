"""A lab of real Debian machines for tests, and what of it could be left on this one."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgectl.lab.layout import LabFiles
from edgectl.lab.lifecycle import Backend, LabSpec, LabStatus, up
from tests.cli_run import Edgectl, Ended
from tests.hosts import nspawn
from tests.hosts.lab_box import await_box

_DEADLINE_S = 40.0
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def first_address() -> str:
    """Return a loopback address that no other worker of this test run uses."""
    return f"127.89.{os.getpid() % 250}.1"


def debian_spec(directory: Path, *, hosts: int = 2, **rest: Any) -> LabSpec:
    """Return a lab of machines; skips the test where there can be none."""
    if reason := nspawn.missing():
        pytest.skip(reason)
    return LabSpec(
        directory,
        hosts=hosts,
        first_address=first_address(),
        backend=Backend.NSPAWN,
        cache=str(nspawn.cache()),
        **rest,
    )


def bring_up(directory: Path, **spec: Any) -> LabStatus:
    """Bring up a lab of machines."""
    return up(debian_spec(directory, **spec))


@dataclass(frozen=True)
class DebianLab:
    """A lab that is up, and the command with its inventory."""

    status: LabStatus
    edgectl: Edgectl

    def exec(self, host: str, command: str) -> str:
        """Run a shell command and return what it printed, without the last line's end."""
        done = self.edgectl("exec", host, "-o", "json", "--", command)
        assert done.code == 0, done
        return str(done.host(host)["data"]["stdout"])

    def await_printed(self, host: str, command: str, other_than: str = "") -> str:
        """Try a command past edgectl until it succeeds and prints something, and not `other_than`."""
        address = next(known.address for known in self.status.hosts if known.name == host)
        give_up = time.monotonic() + _DEADLINE_S
        while True:
            box = await_box(self.status.directory, address)
            done = box.run(command)
            box.close()
            if done.code == 0 and done.out.strip() not in ("", other_than):
                return done.out.strip()
            assert time.monotonic() < give_up, done
            time.sleep(0.1)

    def play(self, host: str, *tasks: dict[str, Any]) -> Ended:
        """Run a playbook of these tasks."""
        return self.edgectl("run", self.write(*tasks), host, "-o", "json")

    def write(self, *tasks: dict[str, Any]) -> Path:
        """Write a playbook of these tasks."""
        path = self.edgectl.home / "play.yaml"
        path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
        return path


def over(status: LabStatus, home: Path) -> DebianLab:
    """Return a lab with a command at home in `home`."""
    home.mkdir(parents=True)
    return DebianLab(status, Edgectl(home, status.inventory, {}))


@dataclass(frozen=True)
class Traces:
    """What a lab has on this machine, or left there."""

    mounts: frozenset[str]
    links: frozenset[str]
    namespaces: frozenset[str]
    cgroups: frozenset[str]
    processes: frozenset[str]


NOTHING = Traces(*[frozenset[str]()] * 5)


def traces(directory: Path) -> Traces:
    """Return what there is now of the lab in `directory`."""
    mark = LabFiles(directory).mark
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return Traces(
        frozenset(line for line in mounts if str(directory) in line or "/run/" in line.split()[1]),
        frozenset(name for _, name in socket.if_nameindex() if name.endswith(mark)),
        frozenset(path.name for path in Path("/run/netns").glob("*")),
        frozenset(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/edgectl-lab-{mark}")),
        frozenset(_processes(str(directory))),
    )


def await_nothing(directory: Path) -> None:
    """Wait a little until no trace of a lab is left."""
    give_up = time.monotonic() + 10
    while (now := traces(directory)) != NOTHING and time.monotonic() < give_up:
        time.sleep(0.05)
    assert now == NOTHING


def _processes(directory: str) -> list[str]:
    """Return the processes with the folder on their command line, and those in the lab's cgroups."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                said = (entry / "cmdline").read_bytes() + (entry / "cgroup").read_bytes()
            except OSError:
                continue
            if directory.encode() in said or LabFiles(Path(directory)).mark.encode() in said:
                found.append(f"{entry.name} {said.decode(errors='replace')}")
    return found
