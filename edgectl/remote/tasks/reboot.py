"""Reboot the host and go on when it is back."""

from __future__ import annotations

import os
import shlex

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.result import TaskResult, changed, failed

REPEAT = "once"
# The runner carries out `reboot_command` when this task's result is safely written, and comes back after it.
ENDS_BOOT = True


@dataclass(frozen=True)
class Args:
    """Nothing is needed."""

    msg: str = arg("Reboot initiated by edgectl", doc="What users see before it.")
    pre_reboot_delay: int = arg(0, doc="Seconds to wait before it.")
    post_reboot_delay: int = arg(0, doc="Seconds to wait after it.")
    reboot_timeout: int = arg(600, doc="Seconds in which the host must be back.")
    connect_timeout: int | None = arg(None, doc="Seconds for one try to connect.")
    test_command: str | None = arg(None, doc="A command that must succeed before the run goes on.")
    boot_time_command: str = arg("cat /proc/sys/kernel/random/boot_id", doc="Accepted for Ansible's sake.")
    reboot_command: str | None = arg(None, doc="How to reboot; shutdown -r now where absent.")
    search_paths: list[str] = arg(
        factory=lambda: ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"],
        doc="Folders in which to look for shutdown, after those of PATH.",
    )


def run(args: Args, context: TaskContext) -> TaskResult:
    """Find out how to reboot; the runner does it."""
    command = _command(args)
    if not command:
        return failed(f"there is no shutdown in {', '.join(args.search_paths)}: name one in 'reboot_command'")
    if context.check:
        return changed("would reboot", rebooted=False)
    return changed(
        reboot_command=command,
        pre_reboot_delay=args.pre_reboot_delay,
        post_reboot_delay=args.post_reboot_delay,
        reboot_timeout=args.reboot_timeout,
        connect_timeout=args.connect_timeout,
        test_command=None if args.test_command is None else shlex.split(args.test_command),
    )


def _command(args: Args) -> list[str]:
    if args.reboot_command is not None:
        return shlex.split(args.reboot_command)
    folders = [*os.environ.get("PATH", "").split(os.pathsep), *args.search_paths]
    places = [os.path.join(folder, "shutdown") for folder in folders]
    found = next((path for path in places if os.access(path, os.X_OK)), None)
    return [] if found is None else [found, "-r", "now", args.msg]
