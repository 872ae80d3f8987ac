"""A lab host as a plain SSH client sees it: paramiko, no code of edgectl's own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest

from edgectl.clock import SystemClock
from edgectl.errors import MissingError
from edgectl.lab.lifecycle import LabSpec, LabStatus, down, up

PORT = 2222
CLOCK = SystemClock()
_DEADLINE_S = 20
WENT_AWAY = -1


@dataclass(frozen=True)
class Done:
    out: str
    err: str
    code: int


class Box:
    """One connection to one lab host."""

    def __init__(self, directory: Path, address: str) -> None:
        line = socket.create_connection((address, PORT), timeout=_DEADLINE_S)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = paramiko.SSHClient()
        self.client.load_host_keys(str(directory / "inventory/known_hosts"))
        self.client.connect(
            address,
            PORT,
            "root",
            key_filename=str(directory / "client_key"),
            allow_agent=False,
            look_for_keys=False,
            sock=line,
        )

    def run(self, command: str, stdin: bytes = b"") -> Done:
        """Run a command; its exit code is `WENT_AWAY` where the host went down before it ended."""
        try:
            into, out, err = self.client.exec_command(command, timeout=_DEADLINE_S)
            into.write(stdin)
            into.channel.shutdown_write()
            return Done(out.read().decode(), err.read().decode(), out.channel.recv_exit_status())
        except (OSError, EOFError, paramiko.SSHException) as error:
            return Done("", f"the connection was lost: {error}", WENT_AWAY)

    def await_end(self) -> None:
        """Return once the host has closed the connection."""
        transport = self.client.get_transport()
        assert transport
        transport.join(_DEADLINE_S)
        assert not transport.is_active()
        self.close()

    def ok(self, command: str) -> str:
        done = self.run(command)
        assert done.code == 0, done
        return done.out.strip()

    def close(self) -> None:
        self.client.close()


def address_base() -> str:
    """Loopback addresses that no other worker of this test run uses."""
    return f"127.88.{os.getpid() % 250}"


def bring_up(directory: Path, first: str, hosts: int, **rest: float) -> LabStatus:
    try:
        return up(LabSpec(directory, hosts=hosts, first_address=first, boot_s=0.3, disk_mb=64, **rest))  # type: ignore[arg-type]
    except MissingError as error:
        pytest.skip(f"{error.message}; {error.hint}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabStatus]:
    """Three lab hosts for the tests of a file."""
    status = bring_up(tmp_path_factory.mktemp("lab") / "lab", f"{address_base()}.1", 3)
    yield status
    down(status.directory)


@pytest.fixture
def box(lab: LabStatus) -> Iterator[Box]:
    """The first host of the lab."""
    one = Box(lab.directory, lab.hosts[0].address)
    yield one
    one.close()


def await_box(directory: Path, address: str) -> Box:
    """Connect to a host that is on its way back."""
    deadline = CLOCK.monotonic() + _DEADLINE_S
    while True:
        try:
            return Box(directory, address)
        except (OSError, EOFError, paramiko.SSHException):
            if CLOCK.monotonic() > deadline:
                raise
            CLOCK.sleep(0.05)
