"""Before the handshake: a host that accepts and says nothing is told apart from one that talks."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from edgectl.engine.faults import ChangedKey, FaultKind, HostFault, changed_key
from edgectl.ssh.dial import await_banner, open_socket, round_trip_s


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_host_that_says_nothing_is_silent_and_is_not_asked_again(listening: socket.socket) -> None:
    raw = open_socket("127.0.0.1", listening.getsockname()[1], 5)

    with pytest.raises(HostFault) as caught:
        await_banner(raw, 0.05)

    assert caught.value.kind is FaultKind.SILENT
    assert not caught.value.is_transient
    assert "no SSH server spoke within 0.05 s" in caught.value.message
    assert raw.fileno() == -1


def test_a_host_that_speaks_is_heard_and_nothing_of_it_is_swallowed(listening: socket.socket) -> None:
    with open_socket("127.0.0.1", listening.getsockname()[1], 5) as raw, listening.accept()[0] as server:
        server.sendall(b"SSH-2.0-test\r\n")
        await_banner(raw, 5)
        assert raw.recv(100) == b"SSH-2.0-test\r\n"


def test_a_host_that_hangs_up_is_the_handshake_s_business(listening: socket.socket) -> None:
    with open_socket("127.0.0.1", listening.getsockname()[1], 5) as raw:
        listening.accept()[0].close()
        await_banner(raw, 5)


def test_the_round_trip_is_the_kernels_own_figure(listening: socket.socket) -> None:
    with open_socket("127.0.0.1", listening.getsockname()[1], 5) as raw:
        found = round_trip_s(raw)

    # On loopback it is some microseconds; another word of the structure would be no time at all or many seconds.
    assert found is not None
    assert 0 < found < 1


def test_what_is_no_tcp_connection_has_no_round_trip() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert round_trip_s(one) is None


def test_a_changed_key_is_told_in_words_that_can_be_read_back() -> None:
    told = ChangedKey("SHA256:9fW+/x", "SHA256:aaQ, SHA256:bbR")

    assert changed_key(f"connecting: {told}") == told
    assert changed_key("host key unknown: SHA256:9fW") is None
