"""The daemon of a lab: it keeps the hosts, their boots and their faults, until it is told to end.

Run as `python -m edgectl.lab.supervisor DIRECTORY READY_FD`. When it ends, however it ends, the keeper and
with it every process of every host is killed by the kernel.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import assert_never

from edgectl.errors import EdgectlError
from edgectl.lab import wire
from edgectl.lab.complaint import pack
from edgectl.lab.ground import Ground
from edgectl.lab.layout import Backend, LabFiles, LabSpec, Network, hosts_of, load_spec
from edgectl.lab.nspawn.ground import NspawnGround
from edgectl.lab.processes import record_processes
from edgectl.lab.sandbox import SandboxGround


def main(directory: Path, ready: int) -> None:
    """Become a daemon, boot the lab in `directory`, say so on the `ready` pipe, and serve."""
    if os.fork():
        os._exit(0)  # the starter waits for this one, the daemon belongs to nobody
    files, spec = LabFiles(directory), load_spec(directory)
    if spec is None:
        raise FileNotFoundError(files.spec)
    os.chdir("/")
    if taken := taken_address(spec):
        _say(ready, {"taken": taken})
        return
    try:
        ground = _ground(spec)
    except EdgectlError as error:
        _say(ready, pack(error))
        return
    record_processes(files.processes, (os.getpid(), *ground.processes))
    _serve(spec, ground, ready)
    ground.await_end()


def taken_address(spec: LabSpec) -> str:
    """Return the first address of the lab that somebody listens on already, and why it cannot be used."""
    if spec.network is Network.PRIVATE:
        return ""
    for host in hosts_of(spec):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.address, spec.port))
                probe.listen()
            except OSError as error:
                return f"{host.address}:{spec.port}: {error.strerror}"
    return ""


def _ground(spec: LabSpec) -> Ground:
    match spec.backend:
        case Backend.SANDBOX:
            return SandboxGround(spec)
        case Backend.NSPAWN:
            return NspawnGround(spec)
        case _:
            assert_never(spec.backend)


def _serve(spec: LabSpec, ground: Ground, ready: int) -> None:
    hosts = ground.hosts()
    control = _control_socket(spec.directory)
    try:
        hosts.boot_all()
    except EdgectlError as error:
        _say(ready, pack(error))
        hosts.close()
        return
    _say(ready, {"up": True})
    while True:
        connection, _ = control.accept()
        request, _ = wire.receive(connection)
        wire.send(connection, hosts.answer(request or {}))
        connection.close()
        if request == {"do": "down"}:
            hosts.close()
            return


def _control_socket(directory: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.chdir(directory)  # a path within 107 bytes, whatever the folder's is
    listener.bind("control")
    os.chdir("/")
    listener.listen(16)
    return listener


def _say(ready: int, packet: wire.Packet) -> None:
    os.write(ready, json.dumps(packet).encode())
    os.close(ready)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
