"""What an SSH server needs and paramiko's public interface does not give: signals and exit signals.

The one file that touches paramiko's private names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST

from edgectl.lab.faulty import FaultySocket

_RequestHandler = Callable[[paramiko.Channel, paramiko.Message], None]


def transport_over(connection: FaultySocket) -> paramiko.Transport:
    """Return a transport over what is no plain socket: paramiko allows that, its types do not."""
    return paramiko.Transport(cast("Any", connection))


def replace_request_handler(transport: paramiko.Transport, handler: _RequestHandler) -> None:
    """Let `handler` see every channel request first; a server is told of no signal otherwise."""
    private = cast("Any", transport)
    private._channel_handler_table = {**private._channel_handler_table, MSG_CHANNEL_REQUEST: handler}  # noqa: SLF001


def handle_request(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Do with a channel request what paramiko does, its answer included."""
    cast("Any", channel)._handle_request(message)  # noqa: SLF001


def signal_in(message: paramiko.Message) -> str:
    """Return the signal's name where a channel request is one; else leave the message unread."""
    place = message.packet.tell()
    if message.get_text() == "signal":
        message.get_boolean()
        return message.get_text()
    message.packet.seek(place)
    return ""


def send_message(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Send a message of our own on the channel's connection."""
    cast("Any", channel.get_transport())._send_user_message(message)  # noqa: SLF001
