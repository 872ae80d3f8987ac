"""The way to the supervisor of a lab that is up."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from edgectl.lab import wire

_DEADLINE_S = 30


def ask(directory: Path, request: wire.Packet) -> wire.Packet | None:
    """Ask the supervisor of the lab in `directory`; None where none is running."""
    if not directory.is_dir():
        return None
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as channel:
            channel.settimeout(_DEADLINE_S)
            channel.connect(f"/proc/self/fd/{folder}/control")  # short, however deep the folder is
            wire.send(channel, request)
            answer, _ = wire.receive(channel)
            return answer
    except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError):
        return None
    finally:
        os.close(folder)
