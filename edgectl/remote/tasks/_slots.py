"""The two places on a node where a release of a service may run, each a unit with a port of its own on the loopback."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.lean import Any
from edgectl.remote.tasks import _quadlets, _serving
from edgectl.remote.tasks._engine_at import SECRETS, EngineAt, key_in
from edgectl.remote.tasks._haproxy import SLOTS, Record
from edgectl.remote.tasks._releases import Releases
from edgectl.remote.tasks._systemctl import Systemctl

# An engine says some hundred lines while it starts; of those that tell of memory the controller wants few.
_STARTING_LINES, _FEW, _LINE = 2000, 40, 300
_OF_MEMORY = ("GiB", " GB", "Started ")
UNIT_FOLDER, QUADLET_FOLDER = "/etc/systemd/system", "/etc/containers/systemd"


class Slots:
    """The slots of one service, by their names `a` and `b`."""

    def __init__(self, service: str, releases: Releases, systemctl: Systemctl, record: Record) -> None:
        self._service = service
        self._releases = releases
        self._systemctl = systemctl
        self._record = record

    def unit(self, slot: str) -> str:
        """Return the name of a slot's unit."""
        return f"edgectl-{self._service}-{slot}.service"

    def _path(self, slot: str, *, quadlet: bool) -> str:
        """Return where a slot's unit lies, or the quadlet that podman makes one of, of the same name."""
        name = self.unit(slot)
        return (
            os.path.join(QUADLET_FOLDER, _quadlets.file_name(name))
            if quadlet
            else os.path.join(UNIT_FOLDER, name)
        )

    def _quadlet(self, slot: str) -> bool:
        return os.path.exists(self._path(slot, quadlet=True))

    def engine(self, slot: str, release: str) -> EngineAt:
        """Return where the engine in a slot answers, with the key that its release wants."""
        variable = self._releases.described(release).get("key", "")
        url = f"http://127.0.0.1:{self._record.port(slot)}"
        return EngineAt(url, key_in(SECRETS.format(service=self._service), variable))

    def of(self, release: str | None) -> str:
        """Return the slot that a release is installed in as described, of two the one that serves; "" for none."""
        if release is None:
            return ""
        ordered = sorted(SLOTS, key=lambda slot: slot != self._record.serving)
        return next((slot for slot in ordered if self._installed(slot) == self._wanted(slot, release)), "")

    def runs(self, slot: str) -> bool:
        """Tell whether a slot's engine runs and would be started at boot."""
        unit = self._systemctl.read(self.unit(slot), wants_enabled=True)
        return unit.active == "active" and unit.starts_at_boot

    def is_there(self, slot: str) -> bool:
        """Tell whether a slot has a unit."""
        return self._quadlet(slot) or os.path.exists(self._path(slot, quadlet=False))

    def _wanted(self, slot: str, release: str) -> str | None:
        text = self._releases.described(release).get("unit")
        if text is None:
            return None
        return self._releases.filled(text, release).replace("{port}", str(self._record.port(slot)))

    def _installed(self, slot: str) -> str | None:
        raw = files.read(self._path(slot, quadlet=self._quadlet(slot)))
        return None if raw is None else raw.decode("utf-8", "replace")

    def start(self, slot: str, release: str) -> str:
        """Start a release in a slot, unless it runs there; return what went wrong."""
        if self.of(release) == slot and self.runs(slot):
            return ""
        wanted = self._wanted(slot, release)
        if wanted is None:
            return "its unit is gone"
        self.stop(slot)
        quadlet = _quadlets.is_quadlet(wanted)
        self._write(slot, wanted)
        # What podman makes of a quadlet says itself when it is to be started.
        verbs = ("daemon-reload",) if quadlet else ("daemon-reload", "enable")
        problem = self._do(slot, *verbs) or _serving.listener_at(self.engine(slot, release))
        # The unit's start limit is for engines that crash, not for deployments; it is no error if none was counted.
        self._systemctl.do("reset-failed", self.unit(slot))
        return problem or self._do(slot, "start")

    def install(self, slot: str, release: str) -> str:
        """Let a release's unit be the slot's from its next start on; what runs there goes on; return what is wrong."""
        self._write(slot, self._wanted(slot, release) or "")
        return self._do(slot, "daemon-reload")

    def _write(self, slot: str, text: str) -> None:
        path = self._path(slot, quadlet=_quadlets.is_quadlet(text))
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        files.write_atomically(path, text.encode())

    def stop(self, slot: str) -> str:
        """Stop a slot's engine and take its unit away; return what went wrong."""
        if not self.is_there(slot):
            return ""
        quadlet = self._quadlet(slot)
        problem = self._do(slot, "stop") if quadlet else self._do(slot, "disable", "stop")
        if not problem:
            os.unlink(self._path(slot, quadlet=quadlet))
            problem = self._do(slot, "daemon-reload")
        return problem

    def has_direct(self) -> bool:
        """Tell whether an engine was put here without a proxy, and listens itself."""
        return os.path.exists(self._direct)

    def stop_direct(self) -> str:
        """Stop that engine, which ends its streams as it can, and take its unit away; return what went wrong."""
        name = os.path.basename(self._direct)
        problem = self._systemctl.do("disable", name) or self._systemctl.do("stop", name)
        if not problem:
            os.unlink(self._direct)
            problem = self._systemctl.do("daemon-reload")
        return problem

    @property
    def _direct(self) -> str:
        return os.path.join(UNIT_FOLDER, f"edgectl-{self._service}.service")

    def died(self, slot: str) -> str:
        """Say so where the engine ended, be it to be started again: a release that crashes does not pass."""
        status = self._systemctl.read(self.unit(slot), wants_enabled=False).status
        ended = status.get("ActiveState") == "failed" or status.get("SubState") == "auto-restart"
        return f"the engine ended ({status.get('Result')}, {status.get('ExecMainStatus')})" if ended else ""

    def prove(self, slot: str, release: str) -> tuple[str, dict[str, Any]]:
        """Wait until a slot's engine produces tokens, then ask it what its release is to be asked."""
        told = self._releases.described(release)
        engine, died = self.engine(slot, release), lambda: self.died(slot)
        problem = _serving.await_tokens(engine, told["model"], float(told["ready_timeout"]), died)
        if problem:
            return problem, {"journal": self._systemctl.last_words(self.unit(slot)).splitlines()[2:]}
        problem, proof = _serving.smoke(
            engine,
            told["model"],
            told["prompts"],
            int(told["smoke_tokens"]),
            stream=bool(told["smoke_stream"]),
        )
        names = [one["model"] for one in told.get("adapters", ()) if told.get("adapters_by")]
        problem = problem or next(filter(None, (_serving.token_of(engine, name) for name in names)), "")
        return problem or self.died(slot), {**proof, "memory_said": self._memory_said(slot)}

    def _memory_said(self, slot: str) -> list[str]:
        """Return the latest lines in which the engine may have said what it took of its GPUs, and where starts are."""
        said = self._systemctl.journal(self.unit(slot), _STARTING_LINES).splitlines()
        lines = [line[:_LINE] for line in said if any(word in line for word in _OF_MEMORY)]
        return lines[-_FEW:]

    def _do(self, slot: str, *verbs: str) -> str:
        for verb in verbs:
            problem = self._systemctl.do(verb, None if verb == "daemon-reload" else self.unit(slot))
            if problem:
                return f"{problem}{self._systemctl.last_words(self.unit(slot))}"
        return ""
