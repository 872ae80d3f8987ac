"""All machines of a running lab: their boots, their faults, and what `lab status` says."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from edgectl.errors import EdgectlError, InputError, MissingError
from edgectl.lab import wire
from edgectl.lab.complaint import pack
from edgectl.lab.faults import AT_MACHINES, AT_ONCE, Fault, FaultKind, parse_fault
from edgectl.lab.hoststate import HostState
from edgectl.lab.layout import LabHost, LabSpec, hosts_of
from edgectl.lab.nspawn.line import KeeperLine
from edgectl.lab.nspawn.machine import Machine
from edgectl.lab.nspawn.sickness import heal, make_sick

_BOOT_DEADLINE_S = 90.0
_STEP_S = 0.05
_LAST_LINES = 15
_NOTE = "the hosts are real Debian machines: no GPUs but this machine's, no stand-ins, no inference engine"


class MachineFleet:
    """The machines of one lab."""

    def __init__(self, spec: LabSpec, line: KeeperLine, machines: tuple[Machine, ...]) -> None:
        self._spec = spec
        self._line = line
        self._machines = machines
        self._hosts = {host.name: host for host in hosts_of(spec)}
        self._faults: dict[str, dict[FaultKind, Fault]] = {name: {} for name in self._hosts}
        self._closing = False
        threading.Thread(target=self._end_with_keeper, daemon=True).start()

    def _end_with_keeper(self) -> None:
        self._line.process.wait()
        if not self._closing:
            os._exit(1)  # without its keeper a lab has no hosts

    def boot_all(self) -> None:
        """Boot every machine and return when all take logins; raises `MissingError` where one does not."""
        try:
            for machine in self._machines:
                self._line.boot(machine)
        except EdgectlError as error:
            raise MissingError(f"Debian cannot boot here: {error}") from error
        deadline = time.monotonic() + _BOOT_DEADLINE_S
        waiting = set(self._hosts)
        while waiting:
            states = self._states()
            down = {name for name in waiting if states[name] is HostState.DOWN}
            if down or time.monotonic() > deadline:
                name = min(down or waiting)
                raise MissingError(f"{name} did not boot:\n{self._last_words(name)}")
            waiting = {name for name in waiting if not self._is_ready(self._hosts[name], states[name])}
            time.sleep(_STEP_S)

    def _is_ready(self, host: LabHost, state: HostState) -> bool:
        return state is HostState.UP and self._takes_logins(host)

    def _takes_logins(self, host: LabHost) -> bool:
        try:
            with socket.create_connection((host.address, self._spec.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _last_words(self, name: str) -> str:
        log = next(machine.log for machine in self._machines if machine.name == name)
        lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-_LAST_LINES:])

    def _states(self) -> dict[str, HostState]:
        states = self._line.ask("status")["hosts"]
        return {name: HostState(state) for name, state in states.items()}

    def answer(self, request: wire.Packet) -> wire.Packet:
        """Answer a request of `edgectl.lab.lifecycle`."""
        if request.get("do") == "fault":
            try:
                self._play(request["host"], parse_fault(request["kind"], request["value"]))
            except EdgectlError as error:
                return pack(error)
        return self._status()

    def _play(self, name: str, fault: Fault | None) -> None:
        if fault is None:
            heal(self._line, name)
            self._faults[name].clear()
        elif fault.kind not in AT_MACHINES:
            known = ", ".join(AT_MACHINES)
            raise InputError(f"real machines cannot play {fault.kind}; they play {known}")
        elif fault.kind in AT_ONCE:
            self._line.ask(fault.kind, host=name)
        else:
            make_sick(self._line, name, fault)
            self._faults[name][fault.kind] = fault

    def _status(self) -> wire.Packet:
        states = self._states()
        hosts = [
            {
                "name": name,
                "address": host.address,
                "state": states[name],
                "faults": [str(fault) for fault in self._faults[name].values()],
            }
            for name, host in self._hosts.items()
        ]
        return {"hosts": hosts, "notes": [_NOTE]}

    def close(self) -> None:
        """End the keeper and with it every machine."""
        self._closing = True
        self._line.close()
