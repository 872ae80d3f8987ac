"""Put a release of a model service into force: start it, prove it, or bring the previous one back."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks import _serving
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
    smoke_prompt: str = arg("Say hello.", doc="What the smoke test asks.")
    smoke_tokens: int = arg(16, doc="How many tokens it may answer with.")
    keep: int = arg(2, doc="How many earlier releases stay on the host.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Switch to the release unless it is in force and answers."""
    switch = _Switch(args, context)
    if switch.is_in_force():
        return ok(release=args.release, previous=switch.before)
    if context.check:
        return changed(
            f"would switch from {switch.before or 'nothing'} to {args.release}", release=args.release
        )
    problem = switch.prepare() or switch.start(args.release)
    proof: dict[str, Any] = {}
    if not problem:
        problem, proof = switch.prove()
    if problem:
        return failed(f"{args.release}: {problem}; {switch.fall_back()}", release=switch.before, **proof)
    switch.commit()
    return changed(release=args.release, previous=switch.before, **proof)


class _Switch:
    """From the release that runs to the one that shall."""

    def __init__(self, args: Args, context: TaskContext) -> None:
        self._args = args
        self._systemctl = Systemctl(context.proc, [])
        self._releases = Releases(context.paths, args.service)
        self._unit = f"edgectl-{args.service}.service"
        self._unit_path = os.path.join(UNIT_FOLDER, self._unit)
        self.before = self._releases.current()

    def is_in_force(self) -> bool:
        """Tell whether the release runs from the unit it was deployed with, and answers."""
        if self.before != self._args.release or self._installed_unit() != self._wanted_unit(
            self._args.release
        ):
            return False
        return not _serving.wait_ready(self._args.base_url, 0.0, lambda: "")

    def prepare(self) -> str:
        """Lay the release out on disk; return what is missing."""
        return self._releases.lay_out(self._args.release, self._args.files, self._described())

    def start(self, release: str) -> str:
        """Install a release's unit and restart the service; return what went wrong."""
        wanted = self._wanted_unit(release)
        if wanted is None:
            return "its unit is gone"
        files.write_atomically(self._unit_path, wanted.encode())
        for verb, name in (("daemon-reload", None), ("enable", self._unit), ("restart", self._unit)):
            problem = self._systemctl.do(verb, name)
            if problem:
                return f"{problem}{self._systemctl.last_words(self._unit)}"
        return ""

    def prove(self) -> tuple[str, dict[str, Any]]:
        """Wait until the service is ready and ask it for a completion; return what is wrong, and the proof."""
        args = self._args
        problem = _serving.wait_ready(args.base_url, args.ready_timeout, self._died)
        if problem:
            return f"{problem}{self._systemctl.last_words(self._unit)}", {}
        return _serving.smoke(args.base_url, args.model, args.smoke_prompt, args.smoke_tokens)

    def fall_back(self) -> str:
        """Bring the previous release back, or stop the service; say which."""
        if self.before is None:
            self._systemctl.do("stop", self._unit)
            self._systemctl.do("disable", self._unit)
            return "there is no previous release, the service is stopped"
        problem = self.start(self.before)
        problem = problem or _serving.wait_ready(self._args.base_url, self._args.ready_timeout, self._died)
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
            {name: getattr(args, name) for name in ("service", "release", "model", "files", "unit")},
            indent=2,
        )

    def _wanted_unit(self, release: str) -> str | None:
        text = self._args.unit if release == self._args.release else self._releases.unit_of(release)
        return None if text is None else text.replace("{release}", self._releases.folder(release))

    def _installed_unit(self) -> str | None:
        raw = files.read(self._unit_path)
        return None if raw is None else raw.decode("utf-8", "replace")

    def _died(self) -> str:
        status = self._systemctl.read(self._unit, wants_enabled=False).status
        return f"the unit failed ({status.get('Result')})" if status.get("ActiveState") == "failed" else ""
