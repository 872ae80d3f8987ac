"""The socket on which the host's own tools reach PID 1, and the one on which services say they are ready."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from pathlib import Path

from edgectl.lab.pid1.loop import Loop
from edgectl.lab.pid1.manager import Manager
from edgectl.lab.pid1.power import Power
from edgectl.lab.pid1.service import NOTIFY_SOCKET
from edgectl.lab.pid1.unitfile import UnitFile

BUS = Path("/run/systemd/private")
_LARGEST = 1 << 18
_CREDENTIALS = struct.Struct("3i")


class Bus:
    """Takes requests, one per connection, and answers when they are done."""

    def __init__(self, loop: Loop, manager: Manager, power: Power) -> None:
        self._loop = loop
        self._manager = manager
        self._power = power
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(BUS))
        self._listener.listen(64)
        loop.watch(self._listener.fileno(), self._accept)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._notify.bind(NOTIFY_SOCKET)
        Path(NOTIFY_SOCKET).chmod(0o666)
        loop.watch(self._notify.fileno(), self._hear_notification)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        self._loop.watch(connection.fileno(), lambda: self._take(connection))

    def _take(self, connection: socket.socket) -> None:
        self._loop.unwatch(connection.fileno())
        try:
            request = json.loads(connection.recv(_LARGEST) or b"{}")
            self._handle(request, connection)
        except (ValueError, KeyError, TypeError, OSError) as error:
            _reply(connection, {"error": f"bad request: {error!r}", "code": 1})

    def _handle(self, request: dict[str, object], connection: socket.socket) -> None:
        def reply(answer: dict[str, object]) -> None:
            _reply(connection, answer)

        name = str(request.get("unit", ""))
        match request.get("do"):
            case "start":
                self._manager.start(name, reply)
            case "stop":
                self._manager.stop(name, reply)
            case "restart":
                self._manager.restart(name, reply)
            case "reload":
                self._manager.reload(name, reply)
            case other:
                reply(self._handle_at_once(str(other), name, request))

    def _handle_at_once(self, verb: str, name: str, request: dict[str, object]) -> dict[str, object]:
        match verb:
            case "show":
                return {"properties": self._manager.show(name)}
            case "list":
                return {"units": [self._manager.show(service.unit.name) for service in self._manager.known()]}
            case "daemon-reload":
                self._manager.forget_changed()
            case "reset-failed":
                for service in [self._manager.service(name)] if name else self._manager.known():
                    service.reset_failed()
            case "kill":
                self._manager.service(name).kill(int(str(request["signal"])))
            case "define":
                self._manager.add_transient(_transient(name, request))
            case "power":
                self._power.schedule(str(request["kind"]), float(str(request.get("after_s", 0))))
            case "cancel-power":
                self._power.cancel()
            case _:
                return {"error": f"unknown request {verb}", "code": 1}
        return {}

    def _hear_notification(self) -> None:
        message, ancillary, _, _ = self._notify.recvmsg(_LARGEST, socket.CMSG_SPACE(_CREDENTIALS.size))
        for _, kind, body in ancillary:
            if kind == socket.SCM_CREDENTIALS:
                process, _, _ = _CREDENTIALS.unpack(body[: _CREDENTIALS.size])
                self._tell_service(process, message.decode(errors="replace"))

    def _tell_service(self, process: int, message: str) -> None:
        for service in self._manager.known():
            if process == service.status.main or process in service.processes():
                service.notified(message)
                return


def _transient(name: str, request: dict[str, object]) -> UnitFile:
    values = request["values"]
    if not isinstance(values, list):
        raise TypeError("values must be a list")
    unit = UnitFile(name)
    for section, key, value in values:
        unit.values.setdefault((section, key), []).append(value)
    return unit


def _reply(connection: socket.socket, answer: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # whoever asked may not have waited for the answer
        connection.send(json.dumps(answer).encode())
    connection.close()
