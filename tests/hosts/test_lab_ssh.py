"""SSH into a lab host behaves as OpenSSH does for sessions without a terminal."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest

from edgectl.lab.lifecycle import LabStatus
from tests.hosts.lab_box import CLOCK, PORT, Box, box, lab

__all__ = ["box", "lab"]


def test_output_errors_and_exit_code_arrive_apart(box: Box) -> None:
    done = box.run("echo out; echo err >&2; exit 7")
    assert (done.out, done.err, done.code) == ("out\n", "err\n", 7)


def test_binary_input_comes_back_unchanged(box: Box) -> None:
    blob = os.urandom(3_000_000)
    done = box.run("sha256sum", blob)
    assert done.out.split()[0] == hashlib.sha256(blob).hexdigest()


def test_a_half_closed_input_ends_the_command_and_not_its_output(box: Box) -> None:
    assert box.run("cat; sleep 0.2; echo after", b"x\n").out == "x\nafter\n"


def test_a_python_script_on_stdin_runs(box: Box) -> None:
    assert box.run("python3 -", b"print(6 * 7)").out == "42\n"


def test_a_killed_command_has_no_exit_code(box: Box) -> None:
    assert box.run("kill -9 $$").code == -1


def test_a_session_starts_as_a_login_of_root(box: Box) -> None:
    assert box.ok("echo $HOME $USER $(pwd) $(id -u); umask") == "/root root /root 0\n0022"


def test_locale_passes_and_other_environment_does_not(box: Box) -> None:
    _, out, _ = box.client.exec_command("echo $LC_TEST-$OTHER", environment={"LC_TEST": "a", "OTHER": "b"})
    assert out.read() == b"a-\n"


def test_output_held_by_a_background_process_keeps_the_channel_open(box: Box) -> None:
    started = CLOCK.monotonic()
    assert box.run("(sleep 0.5; echo late) & exit 3").out == "late\n"
    assert CLOCK.monotonic() - started >= 0.5


def test_a_command_outlives_its_client(lab: LabStatus, box: Box) -> None:
    other = Box(lab.directory, lab.hosts[0].address)
    other.client.exec_command("sleep 0.3; touch /tmp/outlived")
    CLOCK.sleep(0.1)
    other.close()
    CLOCK.sleep(0.6)
    assert box.run("test -e /tmp/outlived").code == 0


def test_output_to_a_client_that_left_breaks_the_pipe(lab: LabStatus, box: Box) -> None:
    other = Box(lab.directory, lab.hosts[0].address)
    other.client.exec_command("trap '' PIPE; sleep 0.3; echo x || touch /tmp/broken-pipe")
    CLOCK.sleep(0.1)
    other.close()
    CLOCK.sleep(0.6)
    assert box.run("test -e /tmp/broken-pipe").code == 0


def test_a_reader_that_stops_stops_the_command(box: Box) -> None:
    transport = box.client.get_transport()
    assert transport
    channel = transport.open_session(window_size=65_536)
    channel.exec_command("dd if=/dev/zero bs=1024 count=8192 2>/dev/null; touch /tmp/written")
    CLOCK.sleep(0.3)
    assert box.run("test -e /tmp/written").code == 1
    channel.close()


def test_hundreds_of_sessions_at_once_each_get_their_own_answer(lab: LabStatus) -> None:
    def ask(number: int) -> bool:
        one = Box(lab.directory, lab.hosts[number % 3].address)
        answers = [one.run(f"cat; echo {number}", b"z" * 1000).out for _ in range(5)]
        one.close()
        return answers == ["z" * 1000 + f"{number}\n"] * 5

    with ThreadPoolExecutor(30) as pool:
        assert all(pool.map(ask, range(60)))


@pytest.mark.parametrize("user", ["edge", "nobody"])
def test_no_user_but_root_may_log_in(lab: LabStatus, user: str) -> None:
    key = paramiko.Ed25519Key(filename=str(lab.directory / "client_key"))
    with paramiko.Transport((lab.hosts[0].address, PORT)) as transport:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(user, key)


def test_another_key_and_passwords_are_refused(lab: LabStatus) -> None:
    with paramiko.Transport((lab.hosts[0].address, PORT)) as transport:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("root", paramiko.RSAKey.generate(2048))
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password("root", "root")


def test_forwarding_is_refused(box: Box) -> None:
    transport = box.client.get_transport()
    assert transport
    with pytest.raises(paramiko.ChannelException):
        transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1))
