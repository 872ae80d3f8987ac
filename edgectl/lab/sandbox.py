"""The ground of lab hosts that are sandboxes: namespaces made by the kernel for whoever asks, root or not."""

from __future__ import annotations

import os
import subprocess

from edgectl.lab import keeper, wire
from edgectl.lab.ground import Hosts
from edgectl.lab.idmap import SINGLE_ID_NOTE, id_map_of_this_process, tell_kernel
from edgectl.lab.layout import LabFiles, LabSpec
from edgectl.lab.processes import with_children
from edgectl.lab.refusal import refusal
from edgectl.lab.shown import folders_to_show
from edgectl.lab.stage import Stage


class SandboxGround:
    """A keeper of sandboxes; raises `MissingError` where this machine refuses namespaces."""

    def __init__(self, spec: LabSpec) -> None:
        """Call this before the process has a second thread."""
        self._spec = spec
        self._notes: tuple[str, ...] = ()
        stage = Stage(LabFiles(spec.directory).stage, folders_to_show())
        self._process, self._channel = keeper.start_keeper(stage)
        if reason := self._tell_ids():
            raise refusal(reason)
        self.processes = with_children(self._process)

    def _tell_ids(self) -> str:
        packet, _ = wire.receive(self._channel)
        if packet == {"event": "ids"}:
            ids = id_map_of_this_process()
            self._notes = (SINGLE_ID_NOTE,) if ids.single else ()
            try:
                tell_kernel(ids, self._process)
            except (OSError, subprocess.CalledProcessError) as error:
                return f"mapping user ids: {error}"
            wire.send(self._channel, {})
            packet, _ = wire.receive(self._channel)
        if packet == {"event": "ready"}:
            return ""
        return str((packet or {}).get("reason", "its first process ended"))

    def hosts(self) -> Hosts:
        """Return the hosts, none of them booted."""
        from edgectl.lab.fleet import Fleet  # paramiko comes after the fork: the hosts' processes stay small

        return Fleet(self._spec, self._channel, self._notes)

    def await_end(self) -> None:
        """Wait until the keeper has ended."""
        os.waitpid(self._process, 0)
