"""The SSH server of one connection to one lab host."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from edgectl.lab.faulty import FaultySocket
from edgectl.lab.hostlink import HostLink
from edgectl.lab.image import PATH
from edgectl.lab.paramiko_gaps import handle_request, replace_request_handler, signal_in, transport_over
from edgectl.lab.session import Session

_ACCEPTED_ENVIRONMENT = ("LANG", "LC_")
_SFTP_SERVER = "/usr/lib/openssh/sftp-server"
LOGIN = "root"


@dataclass(frozen=True, slots=True)
class Login:
    """Who may log in: user `root` with one key."""

    key: paramiko.PKey
    address: str


def serve(connection: FaultySocket, host_key: paramiko.PKey, login: Login, link: HostLink) -> None:
    """Start serving SSH on an accepted connection and return at once."""
    transport = transport_over(connection)
    transport.local_version = "SSH-2.0-edgectl_lab"
    transport.add_server_key(host_key)
    server = _Server(login, link, connection.getpeername())
    replace_request_handler(transport, server.take_request)
    nobody_waits = threading.Event()  # without one, `start_server` would wait for the whole handshake
    transport.start_server(event=nobody_waits, server=server)


class _Server(paramiko.ServerInterface):
    def __init__(self, login: Login, link: HostLink, client: tuple[str, int]) -> None:
        self._login = login
        self._link = link
        self._client = client
        self._commands: dict[int, list[str]] = {}
        self._environments: dict[int, dict[str, str]] = {}
        self._sessions: dict[int, Session] = {}

    def take_request(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        """Handle one request on a channel; start the command it asked for after it was answered."""
        if name := signal_in(message):
            self._signal(channel.chanid, name)
            return
        handle_request(channel, message)
        if command := self._commands.pop(channel.chanid, None):
            channel.get_transport().accept(0)  # take it off paramiko's queue for servers that wait there
            self._start(channel, command)

    def _start(self, channel: paramiko.Channel, command: list[str]) -> None:
        number = channel.chanid
        session = Session(channel, self._link, lambda: self._sessions.pop(number, None))
        self._sessions[number] = session
        session.start(command, self._environment(number))

    def _signal(self, channel: int, name: str) -> None:
        if session := self._sessions.get(channel):
            session.signal(name)

    def _environment(self, channel: int) -> dict[str, str]:
        port = self._client[1]
        return {
            "LANG": "C.UTF-8",
            **self._environments.pop(channel, {}),
            "HOME": "/root",
            "USER": LOGIN,
            "LOGNAME": LOGIN,
            "SHELL": "/bin/sh",
            "PATH": PATH,
            "SSH_CLIENT": f"{self._client[0]} {port} 22",
            "SSH_CONNECTION": f"{self._client[0]} {port} {self._login.address} 22",
            "EDGECTL_LAB_ADDRESS": self._login.address,
        }

    # The names below are paramiko's.
    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - paramiko's signature
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL if username == LOGIN and key == self._login.key else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002 - as above
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        accepted = name.decode().startswith(_ACCEPTED_ENVIRONMENT)
        if accepted:
            self._environments.setdefault(channel.chanid, {})[name.decode()] = value.decode()
        return accepted

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._commands[channel.chanid] = ["/bin/sh", "-c", os.fsdecode(command)]
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        self._commands[channel.chanid] = ["/bin/sh", "-l"]
        return True

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        if name == "sftp" and Path(_SFTP_SERVER).is_file():
            self._commands[channel.chanid] = [_SFTP_SERVER]
            return True
        return False
