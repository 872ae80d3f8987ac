"""All units of a host: which are known, what is asked of them, what starts at boot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from edgectl.lab.pid1.journal import Journal
from edgectl.lab.pid1.loop import Loop
from edgectl.lab.pid1.properties import properties_of
from edgectl.lab.pid1.service import Service
from edgectl.lab.pid1.status import State
from edgectl.lab.pid1.unitfile import UNIT_FOLDERS, UnitFile, load_unit, newest_change

BOOT_TARGETS = ("sysinit.target", "basic.target", "multi-user.target", "default.target")
Reply = Callable[[dict[str, object]], None]


class Manager:
    """The units of one host; replies to `systemctl` when a job has come to its end."""

    def __init__(self, loop: Loop, journal: Journal) -> None:
        self._loop = loop
        self._journal = journal
        self._services: dict[str, Service] = {}

    def boot(self) -> None:
        """Start what is enabled, in the order its files ask for."""
        wanted = [name for target in BOOT_TARGETS for name in wanted_by(target)]
        for name in _in_order({name: self.service(name) for name in dict.fromkeys(wanted)}):
            self._start_with_wants(name, lambda: None)

    def service(self, name: str) -> Service:
        """Return a unit, read from its files when it is first asked for."""
        if name not in self._services:
            self._services[name] = Service(load_unit(name), self._loop, self._journal)
        return self._services[name]

    def forget_changed(self) -> None:
        """Read all unit files again, as `systemctl daemon-reload` asks; what runs goes on."""
        for name, service in list(self._services.items()):
            service.unit = load_unit(name)
            if not service.unit.exists and service.status.state in (State.INACTIVE, State.FAILED):
                del self._services[name]

    def add_transient(self, unit: UnitFile) -> None:
        """Define a unit that has no file, for systemd-run."""
        self._services[unit.name] = Service(unit, self._loop, self._journal)

    def by_invocation(self, name: str) -> Service | None:
        """Return a unit that is known already."""
        return self._services.get(name)

    def known(self) -> Iterable[Service]:
        """Return every unit that was asked for since boot."""
        return list(self._services.values())

    # Requests.

    def start(self, name: str, reply: Reply) -> None:
        """Start a unit and reply whether it runs."""
        if problem := self._cannot_start(name):
            reply({"error": problem, "code": 5})
        else:
            self._start_with_wants(name, lambda: self._reply_started(name, reply))

    def stop(self, name: str, reply: Reply) -> None:
        """Stop a unit and reply; one that is not loaded is an error."""
        service = self.service(name)
        if not service.unit.exists and service.status.state is State.INACTIVE:
            reply({"error": f"Failed to stop {name}: Unit {name} not loaded.", "code": 5})
        else:
            service.stop(lambda: reply({}))

    def restart(self, name: str, reply: Reply) -> None:
        """Stop, then start."""
        if problem := self._cannot_start(name):
            reply({"error": problem.replace("start", "restart", 1), "code": 5})
            return
        service = self.service(name)
        service.status.starts.clear()
        service.stop(lambda: service.start(lambda: self._reply_started(name, reply)))

    def reload(self, name: str, reply: Reply) -> None:
        """Run the unit's own reload."""
        refused = f"Failed to reload {name}: Job type reload is not applicable for unit {name}."
        self.service(name).reload(lambda worked: reply({} if worked else {"error": refused, "code": 1}))

    def show(self, name: str) -> dict[str, str]:
        """Return the properties of a unit, as `systemctl show` names them."""
        service = self.service(name)
        changed = service.unit.exists and newest_change(service.unit) > service.unit.stamp
        return properties_of(service, needs_reload=changed)

    def _cannot_start(self, name: str) -> str:
        unit = self.service(name).unit
        if unit.masked:
            return f"Failed to start {name}: Unit {name} is masked."
        if not unit.exists and not unit.values:
            return f"Failed to start {name}: Unit {name} not found."
        return ""

    def _start_with_wants(self, name: str, settled: Callable[[], None]) -> None:
        service = self.service(name)
        for other in service.unit.names("Unit", "Requires", "Wants", "BindsTo"):
            wanted = self.service(other)
            if wanted.unit.exists and not wanted.unit.masked:
                wanted.start(lambda: None)
        if service.unit.exists or service.unit.values:
            service.start(settled)
        else:
            settled()

    def _reply_started(self, name: str, reply: Reply) -> None:
        status = self.service(name).status
        if status.state is State.FAILED or (
            status.sub_state == "auto-restart" and status.result != "success"
        ):
            reason = (
                "a timeout was exceeded"
                if status.result == "timeout"
                else "the control process exited with error code"
            )
            where = f'See "systemctl status {name}" and "journalctl -xeu {name}" for details.'
            text = f"Job for {name} failed because {reason}.\n{where}"
            reply({"error": text, "code": 1})
        else:
            reply({})

    def stop_all(self, seconds: float, done: Callable[[], None]) -> None:
        """Stop every running unit for a shutdown; call `done` when all have, or after `seconds`."""
        running = [
            service for service in self._services.values() if service.status.state is not State.INACTIVE
        ]
        left = {service.unit.name for service in running}
        deadline = time.monotonic() + seconds

        def wait() -> None:
            if left and time.monotonic() < deadline:
                self._loop.later(0.02, wait)
            else:
                done()

        for service in running:
            service.stop(partial(left.discard, service.unit.name))
        wait()


def wanted_by(target: str, folders: tuple[Path, ...] = UNIT_FOLDERS) -> list[str]:
    """Return the units enabled for a target."""
    links = [
        link
        for folder in folders
        for kind in ("wants", "requires")
        for link in folder.glob(f"{target}.{kind}/*")
    ]
    return sorted({link.name for link in links})


def _in_order(services: dict[str, Service]) -> list[str]:
    """Sort units so that each comes after those its files name in `After=`; circles are cut anywhere."""
    order: list[str] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in order or name in visiting:
            return
        visiting.add(name)
        for earlier in services[name].unit.names("Unit", "After"):
            if earlier in services:
                visit(earlier)
        order.append(name)

    for name in services:
        visit(name)
    return order
