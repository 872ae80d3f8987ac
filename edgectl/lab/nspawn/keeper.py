"""The process that owns the machines of a lab: it boots them, and boots them again when they ask or crash.

Run as `python -m edgectl.lab.nspawn.keeper CHANNEL_FD PARENT`. It is PID 1 of the lab's own PID namespace and
dies with its parent, so however that ends, the kernel kills every machine and drops every mount and link.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from edgectl.errors import EdgectlError
from edgectl.lab import kernel, wire
from edgectl.lab.complaint import pack
from edgectl.lab.nspawn.disk import prepare_run
from edgectl.lab.nspawn.machine import Machine
from edgectl.lab.nspawn.network import make_bridge
from edgectl.lab.nspawn.running import RunningMachine
from edgectl.lab.pid1.loop import Loop

_OUTSIDE = 0  # how a parent in another PID namespace appears


def main(channel: socket.socket, parent: int) -> int:
    """Enter namespaces of its own and keep machines there until the channel ends."""
    kernel.die_with_parent(parent)
    os.setsid()  # a terminal's Ctrl-C is for whoever started the machines, not for them
    channel.set_inheritable(False)
    request, _ = wire.receive(channel)
    private = bool(request and request["private"])
    try:
        kernel.unshare(kernel.NEW_MOUNTS | kernel.NEW_PIDS | (kernel.NEW_NETWORK if private else 0))
        kernel.make_mounts_private()
    except OSError as error:
        wire.send(channel, pack(error))
        return 1
    keeper = os.fork()
    if not keeper:
        os._exit(_keep(channel))
    channel.close()
    return os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])


def _keep(channel: socket.socket) -> int:
    kernel.die_with_parent(_OUTSIDE)
    kernel.name_process("lab-keeper")
    os.umask(0o022)
    try:
        kernel.mount("proc", Path("/proc"), "proc")
        prepare_run()
    except OSError as error:
        wire.send(channel, pack(error))
        return 1
    wire.send(channel, {})
    Keeper(channel).run()
    return 0


class Keeper:
    """Obeys requests, one answer to each, until the channel ends; then every machine ends."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._loop = Loop()
        self._machines: dict[str, RunningMachine] = {}

    def run(self) -> None:
        """Serve."""
        self._loop.watch(self._channel.fileno(), self._obey)
        self._loop.run()

    def _obey(self) -> None:
        request, _ = wire.receive(self._channel)
        if request is None:
            self._loop.stop()
            return
        try:
            answer = self._answer(request)
        except (OSError, EdgectlError, subprocess.SubprocessError) as error:
            answer = pack(error)
        wire.send(self._channel, answer)

    def _answer(self, request: wire.Packet) -> wire.Packet:
        match request:
            case {"do": "status"}:
                return {"hosts": {name: machine.state for name, machine in self._machines.items()}}
            case {"do": "bridge"}:
                make_bridge()
            case {"do": "boot", "machine": values}:
                machine = Machine(**values)
                self._machines[machine.name] = RunningMachine(machine, self._loop)
                self._machines[machine.name].boot()
            case {"do": "run", "host": name, "command": command}:
                self._machines[name].run(command)
            case {"do": "signal", "host": name, "program": program, "signal": number}:
                self._machines[name].signal(program, number)
            case {"do": verb, "host": name}:
                self._on_machine(verb, self._machines[name])
            case _:
                raise EdgectlError(f"a keeper does not understand {request}")
        return {}

    @staticmethod
    def _on_machine(verb: str, machine: RunningMachine) -> None:
        match verb:
            case "reboot":
                machine.reboot()
            case "power-cut":
                machine.cut_power()
            case "fill":
                machine.disk.fill()
            case "empty":
                machine.disk.empty()
            case _:
                raise EdgectlError(f"a keeper cannot {verb}")


if __name__ == "__main__":
    sys.exit(main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])))
