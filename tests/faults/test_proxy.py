"""The proxy does to a line what it says, seen by plain sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.milestones import Milestone, Milestones
from tests.faults.proxy import End, Line, Proxy

_BANNER = b"SSH-2.0-test\r\n"


def _packet(kind: int, body: bytes = b"") -> bytes:
    content = bytes([0, kind]) + body
    return len(content).to_bytes(4) + content


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says back what it hears."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=_echo, args=(line,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield door.getsockname()
    door.shutdown(socket.SHUT_RDWR)
    door.close()
    thread.join()


def _echo(line: socket.socket) -> None:
    with line:
        try:
            while piece := line.recv(65_536):
                line.sendall(piece)
        except OSError:
            return


def _dial(proxy: Proxy) -> socket.socket:
    return socket.create_connection(proxy.listen, timeout=2)


def _heard(line: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size and (piece := line.recv(size - len(heard))):
        heard += piece
    return heard


def test_a_good_line_passes_everything_both_ways(echo: tuple[str, int]) -> None:
    sent = bytes(range(256)) * 1000
    with Proxy(("127.0.0.1", 0), echo) as proxy, _dial(proxy) as line:
        threading.Thread(target=line.sendall, args=(sent,), daemon=True).start()
        assert _heard(line, len(sent)) == sent


def test_a_reset_is_heard_as_one_behind_the_bytes_that_pass(echo: tuple[str, int]) -> None:
    plan = Line(End.RESET, after_bytes=10)  # five there, five back
    with Proxy(("127.0.0.1", 0), echo, lambda _: plan) as proxy, _dial(proxy) as line:
        line.sendall(b"12345")
        with pytest.raises(ConnectionResetError):
            _heard(line, 6)


def test_a_frozen_line_says_nothing_and_stays_open(echo: tuple[str, int]) -> None:
    with Proxy(("127.0.0.1", 0), echo) as proxy, _dial(proxy) as line:
        line.sendall(b"before")
        assert _heard(line, 6) == b"before"
        proxy.end_all(End.FREEZE)
        line.sendall(b"after")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)


def test_a_refusing_port_refuses_and_takes_connections_again(echo: tuple[str, int]) -> None:
    with Proxy(("127.0.0.1", 0), echo) as proxy:
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            _dial(proxy)
        proxy.clear()
        _dial(proxy).close()


def test_a_black_hole_answers_nobody(echo: tuple[str, int]) -> None:
    with Proxy(("127.0.0.1", 0), echo) as proxy:
        proxy.blackhole()
        with pytest.raises(TimeoutError):
            socket.create_connection(proxy.listen, timeout=0.3)


def test_each_connection_fares_as_its_number_says(echo: tuple[str, int]) -> None:
    with Proxy(("127.0.0.1", 0), echo, lambda n: Line(End.RESET, after_s=0) if n == 0 else Line()) as proxy:
        # The reset may come before the connection is ours to read from.
        with pytest.raises(ConnectionResetError), _dial(proxy) as first:
            first.recv(1)
        with _dial(proxy) as second:
            second.sendall(b"hello")
            assert _heard(second, 5) == b"hello"
        assert proxy.accepted == 2


def test_a_slow_line_is_late_and_narrow(echo: tuple[str, int]) -> None:
    plan = Line(latency_s=0.1, bytes_per_s=50_000)
    with Proxy(("127.0.0.1", 0), echo, lambda _: plan) as proxy, _dial(proxy) as line:
        began = time.monotonic()
        line.sendall(b"x" * 5_000)
        _heard(line, 5_000)
        assert time.monotonic() - began >= 0.1 + 0.1 + 5_000 / 50_000


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (Milestone.ACCEPT, 0),
        (Milestone.BANNER, len(_BANNER)),
        (Milestone.KEXINIT, len(_BANNER) + len(_packet(20, b"algorithms"))),
        (
            Milestone.NEWKEYS,
            len(_BANNER) + len(_packet(20, b"algorithms")) + len(_packet(31)) + len(_packet(21)),
        ),
    ],
)
@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
def test_a_milestone_is_found_wherever_the_stream_is_cut(
    wanted: Milestone, passes: int, piece_bytes: int
) -> None:
    said = _BANNER + _packet(20, b"algorithms") + _packet(31) + _packet(21) + b"all that follows is encrypted"
    marks, passed = Milestones(wanted), 0
    for start in range(0, len(said), piece_bytes):
        piece = said[start : start + piece_bytes]
        found = marks.found_in(piece)
        passed += len(piece) if found is None else found
        if found is not None:
            break
    assert passed == passes
