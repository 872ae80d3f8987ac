from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module


def waited(**args: Any) -> Any:
    return run_module("wait_for", {"timeout": 3, "sleep": 0, "connect_timeout": 1, **args})


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return port_of(server)


def test_an_open_port_is_found(listener: socket.socket) -> None:
    result = waited(port=port_of(listener))

    assert not result.failed
    assert not result.changed
    assert result.values["port"] == port_of(listener)


def test_a_port_that_opens_late_is_found(free_port: int) -> None:
    servers: list[socket.socket] = []
    timer = threading.Timer(0.3, lambda: servers.append(socket.create_server(("127.0.0.1", free_port))))
    timer.start()

    assert not waited(port=free_port).failed
    timer.join()
    servers[0].close()


def test_a_port_that_stays_closed_is_a_failure_with_ones_own_words(free_port: int) -> None:
    assert f"127.0.0.1:{free_port}" in waited(port=free_port, timeout=1).msg
    assert waited(port=free_port, timeout=1, msg="no luck").msg == "no luck"


def test_a_port_is_stopped_when_nobody_listens(listener: socket.socket, free_port: int) -> None:
    assert not waited(port=free_port, state="stopped").failed
    assert "to stop" in waited(port=port_of(listener), state="stopped", timeout=1).msg


def test_a_greeting_is_waited_for_and_its_groups_are_given(listener: socket.socket) -> None:
    def greet() -> None:
        line, _ = listener.accept()
        with line:
            line.sendall(b"SSH-")
            line.sendall(b"2.0-OpenSSH_9\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    result = waited(port=port_of(listener), search_regex=r"OpenSSH_(?P<version>\d+)")
    thread.join()

    assert result.values["match_groups"] == ["9"]
    assert result.values["match_groupdict"] == {"version": "9"}


def test_a_port_is_drained_when_its_connections_are_gone(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        drained = {"port": port_of(listener), "state": "drained"}
        assert "to drain" in waited(**drained, timeout=1).msg
        assert not waited(**drained, exclude_hosts=["127.0.0.1"]).failed
        client.close()
        server.close()
    states = ["ESTABLISHED"]
    assert not waited(**drained, active_connection_states=states).failed


def test_a_file_and_a_text_in_it_are_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "log"
    assert "Timeout" in waited(path=str(path), timeout=1).msg
    path.write_text("starting\n")
    assert not waited(path=str(path)).failed
    threading.Timer(0.2, lambda: path.write_text("starting\nready in 5 s\n")).start()

    assert waited(path=str(path), search_regex=r"^ready in (\d+)").values["match_groups"] == ["5"]


def test_a_file_is_waited_for_until_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not waited(path=str(path), state="absent").failed
    path.touch()
    assert "absent" in waited(path=str(path), state="absent", timeout=1).msg


def test_check_mode_waits_for_nothing(free_port: int) -> None:
    result = run_module("wait_for", {"port": free_port}, check=True)

    assert result.values["skipped"]


@pytest.mark.parametrize(
    "args",
    [
        {"port": 1, "path": "/x"},
        {"path": "/x", "state": "stopped"},
        {"path": "/x", "state": "drained"},
        {"state": "drained"},
        {"port": 1, "exclude_hosts": ["a"]},
        {"port": 1, "active_connection_states": ["OPEN"]},
    ],
)
def test_what_cannot_be_waited_for_is_refused(args: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        waited(**args)


def test_a_broken_pattern_is_a_failure(tmp_path: Path) -> None:
    assert "regular expression" in waited(path=str(tmp_path), search_regex="(").msg
