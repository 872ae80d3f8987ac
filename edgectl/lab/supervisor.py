"""The daemon of a lab: SSH for every host, boots and reboots, faults, until it is told to end.

Run as `python -m edgectl.lab.supervisor DIRECTORY READY_FD`. When it ends, however it ends, the keeper and
with it every process of every host is killed by the kernel.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

from edgectl.lab import keeper, wire
from edgectl.lab.idmap import SINGLE_ID_NOTE, id_map_of_this_process, tell_kernel
from edgectl.lab.layout import LabFiles, LabSpec, hosts_of, load_spec
from edgectl.lab.processes import record_processes
from edgectl.lab.shown import folders_to_show
from edgectl.lab.stage import Stage


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
    reason, notes, process, channel = _raise_keeper(files)
    if reason:
        _say(ready, {"refused": reason})
        return
    record_processes(files.processes, (os.getpid(), *_with_children(process)))
    _serve(spec, channel, notes, ready)
    os.waitpid(process, 0)


def taken_address(spec: LabSpec) -> str:
    """Return the first address of the lab that somebody listens on already, and why it cannot be used."""
    for host in hosts_of(spec):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.address, spec.port))
                probe.listen()
            except OSError as error:
                return f"{host.address}:{spec.port}: {error.strerror}"
    return ""


def _raise_keeper(files: LabFiles) -> tuple[str, tuple[str, ...], int, socket.socket]:
    """Start the keeper; return why that was refused, notes, its process and the channel to it."""
    process, channel = keeper.start_keeper(Stage(files.stage, folders_to_show()))
    packet, _ = wire.receive(channel)
    ids = id_map_of_this_process()
    if packet == {"event": "ids"}:
        try:
            tell_kernel(ids, process)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"mapping user ids: {error}", (), process, channel
        wire.send(channel, {})
        packet, _ = wire.receive(channel)
    if packet != {"event": "ready"}:
        return (packet or {}).get("reason", "its first process ended"), (), process, channel
    return "", (SINGLE_ID_NOTE,) if ids.single else (), process, channel


def _with_children(process: int) -> tuple[int, ...]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return (process, *(int(number) for number in children.split()))


def _serve(spec: LabSpec, channel: socket.socket, notes: tuple[str, ...], ready: int) -> None:
    from edgectl.lab.fleet import Fleet  # paramiko comes after the fork: the hosts' processes stay small

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a session takes six descriptors
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # clients that vanish are a lab's daily bread
    fleet = Fleet(spec, channel, notes)
    control = _control_socket(spec.directory)
    if reason := fleet.boot_all():
        _say(ready, {"refused": reason})
        fleet.close()
        return
    _say(ready, {"up": True})
    while True:
        connection, _ = control.accept()
        request, _ = wire.receive(connection)
        wire.send(connection, fleet.answer(request or {}))
        connection.close()
        if request == {"do": "down"}:
            fleet.close()
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
