"""Run a program, without a shell."""

from __future__ import annotations

import glob
import os
import shlex
from dataclasses import dataclass
from typing import Any

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.result import TaskResult, changed, ok

REPEAT = "once"
FREE_FORM = "cmd"


@dataclass(frozen=True)
class Args:
    """Give `cmd` or `argv`."""

    cmd: str | None = arg(None, doc="The program and its arguments, in one line.")
    argv: list[str] | None = arg(None, doc="The program and its arguments, as a list.")
    chdir: str | None = arg(None, doc="Change into this folder first.")
    creates: str | None = arg(None, doc="Do nothing where this path (or glob) exists.")
    removes: str | None = arg(None, doc="Do nothing where this path (or glob) does not exist.")
    stdin: str | None = arg(None, doc="Text for the program's standard input.")
    stdin_add_newline: bool = arg(True, doc="End that text with a newline.")
    strip_empty_ends: bool = arg(True, doc="Leave out newlines at the end of the output.")

    def __post_init__(self) -> None:
        """Refuse neither and both."""
        if (self.cmd is None) == (self.argv is None):
            raise ValueError("give either 'cmd' or 'argv'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Run it; a result other than 0 is a failure."""
    words = args.argv if args.argv is not None else shlex.split(args.cmd or "")
    return run_program(words, args, context)


def run_program(command: str | list[str], args: Args, context: TaskContext) -> TaskResult:
    """What `command` and `shell` share: `creates`, `removes`, check mode and Ansible's result."""
    because = reason_to_skip(args.creates, args.removes)
    if because:
        return ok(because, rc=0, stdout=because, stderr="", cmd=command, skipped=context.check)
    if context.check and args.creates is None and args.removes is None:
        return ok("not run in check mode", rc=0, stdout="", stderr="", cmd=command, skipped=True)
    if context.check:
        return changed("would run", rc=0, stdout="", stderr="", cmd=command)
    stdin = args.stdin or ""
    if args.stdin is not None and args.stdin_add_newline:
        stdin += "\n"
    done = context.proc.run(command, cwd=args.chdir, stdin=stdin)
    out, err = done.stdout, done.stderr
    if args.strip_empty_ends:
        out, err = out.rstrip("\r\n"), err.rstrip("\r\n")
    values: dict[str, Any] = {"rc": done.rc, "stdout": out, "stderr": err, "cmd": command}
    if done.rc != 0:
        return TaskResult(changed=True, failed=True, msg="non-zero return code", values=values)
    return TaskResult(changed=True, values=values)


def reason_to_skip(creates: str | None, removes: str | None) -> str:
    """Return why there is nothing to do, or an empty text."""
    if creates is not None and glob.glob(os.path.expanduser(creates)):
        return f"skipped, since {creates} exists"
    if removes is not None and not glob.glob(os.path.expanduser(removes)):
        return f"skipped, since {removes} does not exist"
    return ""
