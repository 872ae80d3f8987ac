"""Packets between the lab's own processes: JSON, whole packets, open files beside them."""

from __future__ import annotations

import array
import json
import socket
from typing import Any

_LARGEST = 1 << 20
_MOST_FILES = 4
Packet = dict[str, Any]


def packet_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected ends that keep packets whole and end when the other end's processes do."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
    return ends


def send(channel: socket.socket, packet: Packet, files: tuple[int, ...] = ()) -> None:
    """Send one packet and copies of open files. Raises `OSError` where the other end is gone."""
    beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
    channel.sendmsg([json.dumps(packet).encode()], beside)


def receive(channel: socket.socket) -> tuple[Packet | None, list[int]]:
    """Wait for one packet and its open files; None when the other end is gone."""
    try:
        body, files, _, _ = socket.recv_fds(channel, _LARGEST, _MOST_FILES, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        return None, []
    return (json.loads(body) if body else None), files
