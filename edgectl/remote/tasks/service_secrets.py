"""Give a model service its secret variables, and again after a boot with nobody there to send them."""

from __future__ import annotations

import os

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Literal, suppress
from edgectl.remote.result import TaskResult, changed, failed, ok
from edgectl.remote.tasks._sealed import Sealed
from edgectl.remote.tasks._systemctl import Systemctl

REPEAT = "idempotent"
_UNIT = """\
# Written by edgectl: brings the secrets of service {service} to {path} before its engine starts.
[Unit]
Description=edgectl secrets of {service}
Before={engines}

[Service]
Type=oneshot
UMask=0077
ExecStart=mkdir -p -m 0700 {folder}
ExecStart={command}

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Args:
    """Name the service, and what its engine's environment shall have."""

    service: str = arg(doc="The service's name.")
    path: str = arg(doc="The file that the engine reads, on a file system that a boot empties.")
    content: str = arg("", doc="Its content.")
    state: Literal["present", "absent"] = arg("present", doc="Whether the service has secrets at all.")
    units: str = arg("/etc/systemd/system", doc="The folder of the system's units.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Keep the secrets sealed, and let the unit that a boot starts bring them now as well."""
    keeping = _Keeping(args, context)
    if keeping.is_as_wanted():
        return ok()
    if context.check:
        return changed("would be kept for the engine" if args.state == "present" else "would be removed")
    problem = keeping.keep() if args.state == "present" else keeping.remove()
    return failed(problem) if problem else changed(keeping.said)


class _Keeping:
    """Where the secrets of a service are: sealed, and where its engine reads them. `said` is how they are kept."""

    def __init__(self, args: Args, context: TaskContext) -> None:
        self._args = args
        self._sealed = Sealed(os.path.join(context.paths.state, "secrets"), args.service, context.proc)
        self._systemctl = Systemctl(context.proc, [])
        self._unit = f"edgectl-secrets@{args.service}.service"
        self._unit_path = os.path.join(args.units, self._unit)
        self.said = ""

    def is_as_wanted(self) -> bool:
        """Tell whether the engine has them, now and after a boot; or nobody, where there are to be none."""
        if self._args.state == "absent":
            return not (os.path.exists(self._unit_path) or self._sealed.is_there())
        if not self._is_in_place() or self._sealed.content() != self._args.content:
            return False
        is_same = files.read(self._unit_path) == self._text()
        return is_same and self._systemctl.read(self._unit, wants_enabled=True).starts_at_boot

    def _is_in_place(self) -> bool:
        return files.read(self._args.path) == self._args.content.encode()

    def keep(self) -> str:
        """Seal them and bring them as a boot does; where that does not work with a seal, without one."""
        if self._sealed.encrypt(self._args.content) and not self._bring():
            self.said = "kept encrypted for this host"
            return ""
        self._sealed.keep_plain(self._args.content)
        self.said = "kept as a file of root's, since systemd-creds keeps nothing here"
        return self._bring()

    def _bring(self) -> str:
        """Install the unit, start it, and look at what it brought; return what went wrong."""
        files.write_atomically(self._unit_path, self._text())
        problem = (
            self._systemctl.do("daemon-reload")
            or self._systemctl.do("enable", self._unit)
            or self._systemctl.do("start", self._unit)
        )
        if problem or self._is_in_place():
            return problem
        return f"{self._unit} does not bring the secrets to {self._args.path}"

    def _text(self) -> bytes:
        service = self._args.service
        engines = " ".join(f"edgectl-{service}{slot}.service" for slot in ("", "-a", "-b"))
        text = _UNIT.format(
            service=service,
            path=self._args.path,
            engines=engines,
            folder=os.path.dirname(self._args.path),
            command=self._sealed.command(self._args.path),
        )
        return text.encode()

    def remove(self) -> str:
        """Let go of them wherever they are; return what went wrong."""
        problem = ""
        if os.path.exists(self._unit_path):
            problem = self._systemctl.do("disable", self._unit)
            os.unlink(self._unit_path)
            problem = problem or self._systemctl.do("daemon-reload")
        self._sealed.remove()
        with suppress(FileNotFoundError):
            os.unlink(self._args.path)
        return problem
