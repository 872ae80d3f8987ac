"""How long a connection is waited for: as the host's history says, never longer than the default."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from edgectl.engine.faults import FaultKind, HostFault
from edgectl.inventory.model import SshOptions
from edgectl.ssh.connector import SshConnector
from edgectl.ssh.dial import Deadlines
from edgectl.ssh.hostkeys import KnownHosts
from edgectl.ssh.target import SshDefaults
from tests.fakes.clock import FakeClock
from tests.fakes.fleet import a_host


@pytest.fixture
def full() -> Iterator[int]:
    """Listen on a port whose queue is full, so that the kernel drops every further SYN."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.mark.parametrize(("within_s", "tcp_s"), [(0.05, 200.0), (200.0, 0.05)])
def test_a_host_that_drops_every_syn_is_given_up_at_the_shorter_of_both_limits(
    full: int, tmp_path: Path, within_s: float, tcp_s: float
) -> None:
    defaults = SshDefaults(paramiko.SSHConfig(), "root", tmp_path, KnownHosts({}))
    connector = SshConnector(defaults, FakeClock(), lambda: "M", deadlines=Deadlines(tcp_s=tcp_s))
    host = a_host(address="127.0.0.1", ssh=SshOptions(port=full))

    with pytest.raises(HostFault) as caught:
        connector.connect(host, within_s=within_s)

    assert caught.value.kind is FaultKind.TIMEOUT
