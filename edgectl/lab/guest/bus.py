"""The line from a host's tools to its PID 1."""

from __future__ import annotations

import json
import socket
from typing import Any

_BUS = "/run/systemd/private"
_LARGEST = 1 << 18


def ask(request: dict[str, Any]) -> dict[str, Any]:
    """Send one request and wait for its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as bus:
        bus.connect(_BUS)
        bus.send(json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(bus.recv(_LARGEST) or b"{}")
        return answer
