"""The driver that runs: one version in the kernel, in the libraries and in the baseline, open modules, no nouveau."""

from __future__ import annotations

import os
import re

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, failed

REPEAT = "reads"
_OPEN = "Open Kernel Module"
_VERSION = re.compile(rb"(?:Kernel Module(?: for \S+)?)\s+([\d.]+)")


@dataclass(frozen=True)
class Args:
    """Name the version."""

    version: str = arg(doc="The version that the baseline pins.")
    open_modules: bool = arg(True, doc="Whether the kernel's part must be the open one, as Blackwell wants.")
    may_wait: bool = arg(False, doc="A driver that waits for a reboot is no failure, but `reboot_due`.")
    proc: str = arg("/proc/driver/nvidia/version", doc="What the loaded module says of itself.")
    modules: str = arg("/sys/module", doc="The modules that are loaded.")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Compare what is loaded, what modinfo would load, what the library says, and what is pinned."""
    loaded, flavour = _loaded(args)
    to_load = context.proc.run(["modinfo", "-F", "version", "nvidia"]).stdout.strip()
    values: dict[str, Any] = {"loaded": loaded, "to_load": to_load, "reboot_due": loaded != args.version}
    if to_load != args.version:
        return failed(
            f"the next boot would load {to_load or 'no nvidia module'}, not {args.version}", **values
        )
    if os.path.isdir(os.path.join(args.modules, "nouveau")):
        values["reboot_due"] = True
    if values["reboot_due"] and args.may_wait:
        return TaskResult(values=values)
    problem = _problem(args, loaded, flavour)
    if problem:
        return failed(problem, **values)
    library = _library(context)
    values["library"] = library
    wrong = sorted(set(library) - {args.version})
    if not library:
        return failed("nvidia-smi names no driver: the library does not reach the GPUs", **values)
    if wrong:
        return failed(
            f"the library says {', '.join(wrong)}, the kernel {loaded}: they must be one version", **values
        )
    return TaskResult(values=values)


def _loaded(args: Args) -> tuple[str, str]:
    said = files.read(args.proc) or b""
    found = _VERSION.search(said)
    flavour = "open" if _OPEN.encode() in said else "proprietary"
    return (found.group(1).decode() if found else "", flavour)


def _problem(args: Args, loaded: str, flavour: str) -> str:
    if os.path.isdir(os.path.join(args.modules, "nouveau")):
        return "nouveau is loaded, and keeps the GPUs: it must be blacklisted, in the initramfs too, and rebooted"
    if loaded != args.version:
        return f"the kernel runs {loaded or 'no nvidia module'}, wanted is {args.version}: reboot, then look at dmesg"
    if args.open_modules and flavour != "open":
        return "the kernel's modules are the proprietary ones; Blackwell needs nvidia-open"
    return ""


def _library(context: TaskContext) -> list[str]:
    """Return the driver versions that the library tells, one per GPU."""
    words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    done = context.proc.run(words, timeout_s=60.0)
    return done.stdout.split() if done.rc == 0 else []
