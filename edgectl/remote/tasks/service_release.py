"""Put a release of a model service into force: start it, prove it, or bring the previous one back."""

from __future__ import annotations

import json
import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks import _serving
from edgectl.remote.tasks._engine_at import SECRETS, EngineAt, key_in
from edgectl.remote.tasks._releases import Releases
from edgectl.remote.tasks._systemctl import Systemctl

REPEAT = "idempotent"
UNIT_FOLDER = "/etc/systemd/system"


@dataclass(frozen=True)
class Args:
    """A release, and what must be true before it may stay."""

    service: str = arg(doc="The service's name.")
    release: str = arg(doc="The release's name; the same name is always the same content.")
    unit: str = arg(doc="The systemd unit; {release} is the folder of the release.")
    files: list[dict[str, Any]] = arg(
        doc="The model's files: name and sha256 of each, in the blob store already."
    )
    base_url: str = arg(doc="Where the service answers on this host.")
    model: str = arg(doc="The model's name in the API.")
    ready_timeout: float = arg(300.0, doc="Seconds until it must be ready.")
    prompts: list[dict[str, Any]] = arg(doc="What the smoke test asks, and how a golden answer begins.")
    smoke_tokens: int = arg(16, doc="How many tokens it may answer with.")
    smoke_stream: bool = arg(False, doc="Ask a second time, for a stream that must say the same.")
    keep: int = arg(2, doc="How many earlier releases stay on the host.")
    key: str = arg("", doc="The variable of the engine's environment that is the key it wants.")
    gpus: list[str] = arg(factory=list, doc="The GPUs that the unit names, by number or UUID.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Switch to the release unless it is in force and answers."""
    switch = _Switch(args, context)
    if switch.is_in_force():
        return ok(release=args.release, previous=switch.before, gpus=args.gpus)
    if context.check:
        return changed(
            f"would switch from {switch.before or 'nothing'} to {args.release}", release=args.release
        )
    problem = switch.prepare() or switch.start()
    proof: dict[str, Any] = {}
    if not problem:
        problem, proof = switch.prove()
    if problem:
        said = f"{args.release}: {problem}; {switch.fall_back()}"
        return failed(said, release=switch.before, gpus=switch.gpus_before, **proof)
    switch.commit()
    return changed(release=args.release, previous=switch.before, gpus=args.gpus, **proof)


class _Switch:
    """From the release that runs to the one that shall."""

    def __init__(self, args: Args, context: TaskContext) -> None:
        self._args = args
        self._systemctl = Systemctl(context.proc, [])
        self._releases = Releases(context.paths, args.service)
        self._unit = f"edgectl-{args.service}.service"
        self._unit_path = os.path.join(UNIT_FOLDER, self._unit)
        self.before = self._releases.current()
        self.gpus_before = self._releases.gpus(self.before)

    def _engine(self, base_url: str) -> EngineAt:
        return EngineAt(base_url, key_in(SECRETS.format(service=self._args.service), self._args.key))

    def is_in_force(self) -> bool:
        """Tell whether the release runs from the unit and the files it was deployed with, and answers."""
        release = self._args.release
        if self.before != release or self._installed_unit() != self._wanted_unit(release):
            return False
        unit = self._systemctl.read(self._unit, wants_enabled=True)
        if not (unit.active == "active" and unit.starts_at_boot):
            return False
        if not self._releases.is_laid_out(release, self._args.files):
            return False
        return not _serving.wait_ready(self._engine(self._args.base_url), 0.0, lambda: "")

    def prepare(self) -> str:
        """Lay the release out on disk; return what is missing."""
        clash = self._releases.clash(self._args.gpus)
        return clash or self._releases.lay_out(self._args.release, self._args.files, self._described())

    def start(self) -> str:
        """Start the release in place of what runs; return what went wrong."""
        return self._start(self._args.release, self._args.base_url)

    def _start(self, release: str, base_url: str) -> str:
        wanted = self._wanted_unit(release)
        if wanted is None:
            return "its unit is gone"
        files.write_atomically(self._unit_path, wanted.encode())
        problem = self._do("daemon-reload", "enable", "stop") or _serving.listener_at(self._engine(base_url))
        # The unit's start limit is for engines that crash, not for deployments; it is no error if none was counted.
        self._systemctl.do("reset-failed", self._unit)
        return problem or self._do("start")

    def _do(self, *verbs: str) -> str:
        for verb in verbs:
            problem = self._systemctl.do(verb, None if verb == "daemon-reload" else self._unit)
            if problem:
                return f"{problem}{self._systemctl.last_words(self._unit)}"
        return ""

    def prove(self) -> tuple[str, dict[str, Any]]:
        """Wait until the service is ready and ask it for a completion; return what is wrong, and the proof."""
        args, engine = self._args, self._engine(self._args.base_url)
        problem = _serving.await_tokens(engine, args.model, args.ready_timeout, self._died)
        if problem:
            return f"{problem}{self._systemctl.last_words(self._unit)}", {}
        problem, proof = _serving.smoke(
            engine, args.model, args.prompts, args.smoke_tokens, stream=args.smoke_stream
        )
        return problem or self._died(), proof

    def fall_back(self) -> str:
        """Bring the previous release back, or stop the service; say which."""
        if self.before is None:
            self._systemctl.do("stop", self._unit)
            self._systemctl.do("disable", self._unit)
            return "there is no previous release, the service is stopped"
        # It may have listened elsewhere.
        base_url = self._releases.described(self.before).get("base_url", self._args.base_url)
        problem = self._start(self.before, base_url)
        problem = problem or _serving.wait_ready(self._engine(base_url), self._args.ready_timeout, self._died)
        if problem:
            return f"and the previous release {self.before} does not come back: {problem}"
        return f"the previous release {self.before} runs again"

    def commit(self) -> None:
        """Make the release the current one and let go of the oldest."""
        self._releases.make_current(self._args.release)
        self._releases.prune(self._args.keep)

    def _described(self) -> str:
        args = self._args
        return json.dumps(
            {
                name: getattr(args, name)
                for name in ("service", "release", "model", "files", "unit", "base_url", "gpus")
            },
            indent=2,
        )

    def _wanted_unit(self, release: str) -> str | None:
        text = (
            self._args.unit
            if release == self._args.release
            else self._releases.described(release).get("unit")
        )
        return None if text is None else self._releases.filled(text, release)

    def _installed_unit(self) -> str | None:
        raw = files.read(self._unit_path)
        return None if raw is None else raw.decode("utf-8", "replace")

    def _died(self) -> str:
        """Say so where the engine ended, be it to be started again: a release that crashes does not pass."""
        status = self._systemctl.read(self._unit, wants_enabled=False).status
        ended = status.get("ActiveState") == "failed" or status.get("SubState") == "auto-restart"
        return f"the engine ended ({status.get('Result')}, {status.get('ExecMainStatus')})" if ended else ""
