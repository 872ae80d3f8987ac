"""Give the host its name, now and for every boot."""

from __future__ import annotations

import os
import socket

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
_FILE = "/etc/hostname"
# Of sethostname(2): HOST_NAME_MAX.
_LONGEST = 64


@dataclass(frozen=True)
class Args:
    """Give the name."""

    name: str = arg(doc="The name.")
    use: Literal["debian", "generic", "systemd"] | None = arg(
        None, doc="How; by hostnamectl where systemd runs, else by the file and the kernel."
    )

    def __post_init__(self) -> None:
        """Refuse a name that the kernel has no room for."""
        if not 0 < len(self.name) <= _LONGEST:
            raise ValueError(f"'name' has {len(self.name)} characters; a host's name has 1 to {_LONGEST}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the kernel's name and the file's to it, and read both again."""
    before = (os.uname().nodename, _kept())
    values = {"name": args.name, "ansible_facts": _facts(args.name)}
    if before == (args.name, args.name):
        return TaskResult(values=values)
    old = before[0] if before[0] != args.name else before[1]
    diff = {"before": f"hostname = {old}\n", "after": f"hostname = {args.name}\n"} if context.diff else None
    if context.check:
        return TaskResult(changed=True, values=values, diff=diff)
    has_systemd = os.path.isdir("/run/systemd/system") and args.use in (None, "systemd", "debian")
    problem = _by_systemd(args.name, context) if has_systemd else _by_hand(args.name)
    after = (os.uname().nodename, _kept())
    if problem or after != (args.name, args.name):
        return failed(problem or f"the host is called {after[0]} and {_FILE} says {after[1]}", **values)
    return TaskResult(changed=True, values=values, diff=diff)


def _kept() -> str:
    return (files.read(_FILE) or b"").decode("utf-8", "replace").strip()


def _by_systemd(name: str, context: TaskContext) -> str:
    for kind in (["--pretty", "--static"], ["--transient"]):
        done = context.proc.run(["hostnamectl", *kind, "set-hostname", name])
        if done.rc != 0:
            return f"hostnamectl failed: {(done.stderr or done.stdout).strip()}"
    return ""


def _by_hand(name: str) -> str:
    files.write_atomically(_FILE, f"{name}\n".encode(), Attributes("0644"))
    try:
        socket.sethostname(name)
    except OSError as error:
        return f"the kernel refused the name: {error.strerror}"
    return ""


def _facts(name: str) -> dict[str, Any]:
    full = socket.getfqdn()
    return {
        "ansible_hostname": name.split(".", maxsplit=1)[0],
        "ansible_nodename": name,
        "ansible_fqdn": full,
        "ansible_domain": ".".join(full.split(".")[1:]),
    }
