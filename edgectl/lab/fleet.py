"""All hosts of a running lab: their boots, their line faults, and what `lab status` says."""

from __future__ import annotations

import logging
import os
import resource
import socket
import threading
from dataclasses import asdict

import paramiko

from edgectl.errors import EdgectlError, MissingError
from edgectl.lab import wire
from edgectl.lab.complaint import pack
from edgectl.lab.faults import AT_HOST, Fault, FaultKind, parse_fault
from edgectl.lab.hostcommand import run_at_host
from edgectl.lab.hostlink import HostLink
from edgectl.lab.hostport import HostPort
from edgectl.lab.hoststate import HostState
from edgectl.lab.image import HostImage
from edgectl.lab.keys import key_at
from edgectl.lab.layout import LabFiles, LabHost, LabSpec, hosts_of
from edgectl.lab.refusal import refusal
from edgectl.lab.shown import host_python
from edgectl.lab.sshd import Login

_HALTED = 0
_BOOT_DEADLINE_S = 60
_REBOOT_PROGRAM = "/usr/local/sbin/reboot"
_FAULT_PROGRAM = "/usr/local/sbin/edgectl-lab-fault"


class Fleet:
    """The hosts of one lab; its methods may be called from any thread."""

    def __init__(self, spec: LabSpec, keeper: socket.socket, notes: tuple[str, ...]) -> None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a session takes six descriptors
        logging.getLogger("paramiko").setLevel(
            logging.CRITICAL
        )  # clients that vanish are a lab's daily bread
        self._spec = spec
        self._files = LabFiles(spec.directory)
        self._keeper = keeper
        self._notes = notes
        self._hosts = {host.name: host for host in hosts_of(spec)}
        self._faults: dict[str, dict[FaultKind, Fault]] = {name: {} for name in self._hosts}
        client = key_at(self._files.client_key)
        self._ports = {
            host.name: HostPort(
                (host.address, spec.port), Login(client, host.address), self._host_key(host.name)
            )
            for host in self._hosts.values()
        }
        self._python = host_python()
        self._all_up = threading.Event()
        self._refused = ""
        self._closing = False

    def _host_key(self, name: str) -> paramiko.PKey:
        return key_at(self._files.host_keys / name)

    def boot_all(self) -> None:
        """Boot every host and return when all are up; raises `MissingError` where one cannot boot."""
        threading.Thread(target=self._listen_to_keeper, daemon=True).start()
        for host in self._hosts.values():
            self._boot(host)
        if not self._all_up.wait(_BOOT_DEADLINE_S):
            raise MissingError(f"not all hosts of the lab were up after {_BOOT_DEADLINE_S} s")
        if self._refused:
            raise refusal(self._refused)

    def _boot(self, host: LabHost) -> None:
        image = HostImage(host.name, host.address, self._spec.gpus_per_host, self._spec.disk_mb, self._python)
        wire.send(self._keeper, asdict(image))

    def _listen_to_keeper(self) -> None:
        while True:
            packet, files = wire.receive(self._keeper)
            match packet:
                case {"event": "booted", "host": name}:
                    self._connect(name, socket.socket(fileno=files[0]))
                case {"event": "ended", "host": name, "status": status}:
                    self._went_down(name, status)
                case _ if self._closing:
                    return
                case _:
                    os._exit(1)  # without its keeper a lab has no hosts

    def _connect(self, name: str, channel: socket.socket) -> None:
        link = HostLink(channel, on_ready=lambda: self._came_up(name, link), on_refused=self._was_refused)
        link.listen()

    def _was_refused(self, reason: str) -> None:
        self._refused = reason
        self._all_up.set()

    def _came_up(self, name: str, link: HostLink) -> None:
        self._ports[name].came_up(link)
        if all(port.state is HostState.UP for port in self._ports.values()):
            self._all_up.set()

    def _went_down(self, name: str, status: int) -> None:
        port = self._ports[name]
        if status == _HALTED:
            port.went_down(HostState.DOWN)
            return
        # A reboot, or the host's first process was killed: a crashed machine comes back as well.
        port.went_down(HostState.REBOOTING)
        threading.Timer(self._spec.boot_s, self._boot, (self._hosts[name],)).start()

    def close(self) -> None:
        """End the keeper and with it every host."""
        self._closing = True
        self._keeper.shutdown(socket.SHUT_RDWR)

    def answer(self, request: wire.Packet) -> wire.Packet:
        """Answer a request of `edgectl.lab.lifecycle`."""
        if request.get("do") == "fault":
            try:
                self._set_fault(request["host"], parse_fault(request["kind"], request["value"]))
            except EdgectlError as error:
                return pack(error)
        return self._status()

    def _set_fault(self, name: str, fault: Fault | None) -> None:
        if fault and fault.kind is FaultKind.REBOOT:
            run_at_host(self._ports[name].link, [_REBOOT_PROGRAM])
        elif fault and fault.kind is FaultKind.POWER_CUT:
            run_at_host(self._ports[name].link, ["/bin/true"])  # what is down cannot lose its power
            wire.send(self._keeper, {"cut": name})
        else:
            self._set_lasting(name, fault)

    def _set_lasting(self, name: str, fault: Fault | None) -> None:
        faults = self._faults[name]
        if fault:
            faults[fault.kind] = fault
        else:
            faults.clear()
        port = self._ports[name]
        port.line.refuse = FaultKind.UNREACHABLE in faults and faults[FaultKind.UNREACHABLE].value == "refuse"
        port.line.silent = FaultKind.UNREACHABLE in faults and not port.line.refuse
        port.line.slow_s = int(faults[FaultKind.SLOW].value) / 1000 if FaultKind.SLOW in faults else 0.0
        port.host_key = self._host_key(f"{name}.changed" if FaultKind.HOSTKEY in faults else name)
        port.settle()
        if fault is None or fault.kind in AT_HOST:
            words = [fault.kind, fault.value] if fault else ["clear"]
            run_at_host(port.link, [_FAULT_PROGRAM, *words])

    def _status(self) -> wire.Packet:
        hosts = [
            {
                "name": name,
                "address": host.address,
                "state": self._ports[name].state,
                "faults": [str(fault) for fault in self._faults[name].values()],
            }
            for name, host in self._hosts.items()
        ]
        return {"hosts": hosts, "notes": list(self._notes)}
