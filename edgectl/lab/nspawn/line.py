"""The line to the keeper of machines, for whoever started it: the lab's supervisor, or a test."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from edgectl.errors import EdgectlError, MissingError
from edgectl.lab import wire
from edgectl.lab.complaint import unpack
from edgectl.lab.importing import import_path
from edgectl.lab.nspawn.machine import Machine


class KeeperLine:
    """A running keeper; it and its machines end with `close`, or with the process that made this."""

    def __init__(self, log: Path, *, private: bool = False) -> None:
        """Start a keeper whose machines share this network, or `private` ones of their own.

        Raises `MissingError` where this machine refuses namespaces. Call this in a thread that stays: the
        kernel ends a keeper with the thread that started it.
        """
        self._channel, its = wire.packet_pair()
        self._lock = threading.Lock()
        with log.open("ab") as said:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "edgectl.lab.nspawn.keeper",
                    str(its.fileno()),
                    str(os.getpid()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(its.fileno(),),
                env=os.environ | {"PYTHONPATH": import_path()},
            )
        its.close()
        try:
            self._ask({"private": private})
        except EdgectlError as error:
            raise MissingError(
                f"the nspawn backend needs mount, PID and network namespaces: {error}",
                hint="inside a container, allow them (docker run --privileged)",
            ) from error

    def boot(self, machine: Machine) -> None:
        """Give a machine a disk and start it."""
        self.ask("boot", machine=asdict(machine))

    def ask(self, verb: str, **values: object) -> wire.Packet:
        """Have the keeper do something; raises `EdgectlError` with its reason where it cannot."""
        return self._ask({"do": verb, **values})

    def _ask(self, request: wire.Packet) -> wire.Packet:
        with self._lock:
            wire.send(self._channel, request)
            answer, _ = wire.receive(self._channel)
        if answer is None:
            raise EdgectlError("the keeper of the machines has ended")
        return unpack(answer)

    def close(self) -> None:
        """End the keeper, every machine, and what the kernel kept for them."""
        self._channel.close()
        self.process.wait()
