"""The proxy of one service on this host: installed, running as its configuration says, and told who serves."""

from __future__ import annotations

import os
import time

from edgectl.remote import files
from edgectl.remote.ownership import Attributes
from edgectl.remote.proc import Proc
from edgectl.remote.tasks import _haproxy
from edgectl.remote.tasks._haproxy import Record, Runtime
from edgectl.remote.tasks._systemctl import Systemctl

_PROGRAM = "/usr/sbin/haproxy"
FOLDER = "/etc/edgectl"
_UNIT_FOLDER = "/etc/systemd/system"
_START_S = 10.0
# A neighbour's engine is asked every second.
_NEIGHBOUR_S = 10.0
_STEP_S = 0.05
_UNIT = """\
# Written by edgectl: what clients of service {service} talk to.
[Unit]
Description=edgectl front of service {service}
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart={program} -Ws -f {config}
ExecReload={program} -c -q -f {config}
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
SuccessExitStatus=143
RuntimeDirectory={runtime}
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
"""


class Front:
    """One service's proxy."""

    def __init__(self, service: str, proc: Proc, systemctl: Systemctl, folder: str = FOLDER) -> None:
        self._service = service
        self._proc = proc
        self._systemctl = systemctl
        self._unit = f"edgectl-{service}-front.service"
        self._config = os.path.join(folder, f"{service}.haproxy.cfg")
        self._socket = f"/run/edgectl-{service}/admin.sock"
        self.runtime = Runtime(self._socket)

    def record(self) -> Record | None:
        """Return what the configuration on disk says; None where there is none of ours."""
        raw = files.read(self._config)
        return None if raw is None else _haproxy.parse(raw.decode("utf-8", "replace"))

    def missing(self) -> str:
        """Return what the host lacks for a proxy, or an empty text."""
        if os.access(_PROGRAM, os.X_OK):
            return ""
        return "HAProxy is not installed: apt-get install haproxy, or 'serve: {front: none}' in the specification"

    def is_as(self, record: Record) -> bool:
        """Tell whether the proxy runs as a record says, and would after a restart."""
        if files.read(self._config) != _haproxy.render(record, self._socket).encode():
            return False
        unit = self._systemctl.read(self._unit, wants_enabled=True)
        if not (unit.active == "active" and unit.starts_at_boot):
            return False
        status = self.runtime.servers()
        wanted = [slot for slot in _haproxy.SLOTS if slot == record.serving]
        return all(status.get(f"slot-{slot}", "").startswith("UP") for slot in wanted)

    def put(self, record: Record) -> str:
        """Bring the proxy to a record, without losing a connection; return what went wrong."""
        before = (files.read(self._config) or b"").decode("utf-8", "replace")
        text = _haproxy.render(record, self._socket)
        os.makedirs(os.path.dirname(self._config), 0o755, exist_ok=True)
        if before != text:
            files.write_atomically(self._config, text.encode(), Attributes(mode="0644"))
        problem = self._installed()
        if problem:
            return problem
        if not self.runtime.answers():
            return self._started()
        if not _haproxy.is_same_but_for_who_serves(before, text):
            problem = self._do("reload") or self._await_answer()
        self.runtime.serve_from(record.serving)
        return problem

    def await_neighbour(self) -> str:
        """Wait a moment for a neighbour whose engine answers, as one that was drained itself; else say what helps."""
        give_up = time.monotonic() + _NEIGHBOUR_S
        while not self.runtime.neighbours_up():
            if time.monotonic() > give_up:
                return "no neighbour is up that could carry the load: add a replica, or swap side by side"
            time.sleep(_STEP_S)
        return ""

    def _installed(self) -> str:
        path = os.path.join(_UNIT_FOLDER, self._unit)
        runtime = os.path.basename(os.path.dirname(self._socket))
        text = _UNIT.format(
            service=self._service, program=_PROGRAM, config=self._config, runtime=runtime
        ).encode()
        if files.read(path) == text:
            return ""
        files.write_atomically(path, text)
        return self._systemctl.do("daemon-reload") or self._do("enable")

    def _started(self) -> str:
        checked = self._proc.run([_PROGRAM, "-c", "-f", self._config])
        if checked.rc:
            return f"HAProxy refuses {self._config}: {(checked.stderr or checked.stdout).strip()}"
        self._systemctl.do("reset-failed", self._unit)
        return self._do("restart") or self._await_answer()

    def _await_answer(self) -> str:
        give_up = time.monotonic() + _START_S
        while not self.runtime.answers():
            if time.monotonic() > give_up:
                return f"{self._unit} does not answer{self._systemctl.last_words(self._unit)}"
            time.sleep(_STEP_S)
        return ""

    def _do(self, verb: str) -> str:
        problem = self._systemctl.do(verb, self._unit)
        return f"{problem}{self._systemctl.last_words(self._unit)}" if problem else ""
