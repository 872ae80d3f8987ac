"""Run one program at a host for the lab itself, without SSH."""

from __future__ import annotations

import os
import tempfile
import threading

from edgectl.errors import BusyError, EdgectlError
from edgectl.lab.hostlink import HostLink
from edgectl.lab.image import PATH

_DEADLINE_S = 10


def run_at_host(link: HostLink | None, command: list[str]) -> None:
    """Run `command`; raises `BusyError` while the host is down, `EdgectlError` if it fails."""
    if link is None:
        raise BusyError("the host is down or rebooting", hint="try again when it is up")
    ended = threading.Event()
    statuses: list[int | None] = []
    with tempfile.TemporaryFile() as printed, open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
        streams = (nothing.fileno(), printed.fileno(), printed.fileno())

        def on_end(status: int | None) -> None:
            statuses.append(status)
            ended.set()

        link.start(command, {"PATH": PATH}, streams, on_end)
        ended.wait(_DEADLINE_S)
        if statuses != [0]:
            printed.seek(0)
            raise EdgectlError(
                f"{command[0]} failed at the host: {printed.read().decode(errors='replace').strip()}"
            )
