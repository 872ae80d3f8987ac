"""Kernel parameters for every boot: in GRUB's configuration, and told apart from those of this boot."""

from __future__ import annotations

import os
import shlex

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.ownership import Attributes
from edgectl.remote.result import TaskResult, failed

REPEAT = "idempotent"
TOUCHES = "path"


@dataclass(frozen=True)
class Args:
    """Name the parameters."""

    parameters: list[str] = arg(doc="Parameters, such as iommu=pt.")
    path: str = arg("/etc/default/grub.d/90-edgectl.cfg", doc="The file of ours that sets them.")
    grub: str = arg("/boot/grub/grub.cfg", doc="What update-grub writes; every entry must have them.")
    running: str = arg("/proc/cmdline", doc="The parameters of this boot.")

    def __post_init__(self) -> None:
        """Refuse what would not be one parameter each."""
        odd = [word for word in self.parameters if not word or set(word) & set("\"'`$\\ \t\n")]
        if odd:
            raise ValueError(f"not one kernel parameter each: {odd!r}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Write our file, have GRUB take it up, and prove that it did; `reboot_due` where this boot lacks some."""
    text = f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {" ".join(args.parameters)}"\n'.encode()
    missing = _missing(args, _words(args.running))
    values = {"missing": missing, "reboot_due": bool(missing)}
    before = files.read(args.path)
    lacking = _entries_without(args)
    if before == text and not lacking:
        return TaskResult(values=values)
    diff = files.text_diff(args.path, before or b"", text) if context.diff else None
    if context.check:
        return TaskResult(changed=True, values={**values, "reboot_due": True}, diff=diff)
    os.makedirs(os.path.dirname(args.path), exist_ok=True)
    files.write_atomically(args.path, text, Attributes(mode="0644"))
    done = context.proc.run(["update-grub"])
    if done.rc != 0:
        return failed(f"update-grub ended with {done.rc}: {done.stderr.strip()}", **values)
    lacking = _entries_without(args)
    if lacking:
        return failed(f"update-grub ended well, and {args.grub} boots without them: {lacking[0]}", **values)
    return TaskResult(changed=True, values=values, diff=diff)


def _missing(args: Args, words: list[str]) -> list[str]:
    return [parameter for parameter in args.parameters if parameter not in words]


def _words(path: str) -> list[str]:
    return (files.read(path) or b"").decode("utf-8", "replace").split()


def _entries_without(args: Args) -> list[str]:
    """Return the boot entries that lack a parameter; one text where there are no entries at all."""
    text = (files.read(args.grub) or b"").decode("utf-8", "replace")
    entries = [line.strip() for line in text.splitlines() if line.split()[:1] in (["linux"], ["linuxefi"])]
    if not entries:
        return [f"no boot entry in {args.grub}"]
    return [entry for entry in entries if _missing(args, shlex.split(entry, comments=False, posix=True))]
