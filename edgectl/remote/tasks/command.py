"""Run a program, without a shell."""

from __future__ import annotations

import os
import time

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.files import expanded
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, failed

REPEAT = "once"
FREE_FORM = "cmd"


@dataclass(frozen=True)
class ProgramArgs:
    """What `command` and `shell` share."""

    cmd: str | None = arg(None, doc="The program and its arguments, in one line.")
    chdir: str | None = arg(None, doc="Change into this folder first.")
    creates: str | None = arg(None, doc="Do nothing where this path (or glob) exists.")
    removes: str | None = arg(None, doc="Do nothing where this path (or glob) does not exist.")
    stdin: str | None = arg(None, doc="Text for the program's standard input.")
    stdin_add_newline: bool = arg(True, doc="End that text with a newline.")
    strip_empty_ends: bool = arg(True, doc="Leave out newlines at the end of the output.")


@dataclass(frozen=True)
class Args(ProgramArgs):
    """Give `cmd` or `argv`."""

    argv: list[str] | None = arg(None, doc="The program and its arguments, as a list.")
    expand_argument_vars: bool = arg(True, doc="Replace ~ and $NAME in the arguments.")

    def __post_init__(self) -> None:
        """Refuse neither and both."""
        if (self.cmd is None) == (self.argv is None):
            raise ValueError("give either 'cmd' or 'argv'")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Run it; a result other than 0 is a failure."""
    words = args.argv if args.argv is not None else _words(args.cmd or "")
    if not words:
        return failed("there is no program to run: 'cmd' is empty", rc=256)
    if args.expand_argument_vars:
        words = [expanded(word) for word in words]
    return run_program(words, args, context)


def _words(line: str) -> list[str]:
    import shlex  # it compiles regular expressions, for which `shell` would wait in vain

    return shlex.split(line)


def run_program(
    command: str | list[str], args: ProgramArgs, context: TaskContext, executable: str | None = None
) -> TaskResult:
    """What `command` and `shell` share: `creates`, `removes`, check mode and Ansible's result."""
    if args.chdir is not None and not os.path.isdir(expanded(args.chdir)):
        return failed(f"cannot change into {args.chdir}: there is no such folder", cmd=command)
    because = _reason_to_skip(args)
    if because:
        did = "Would" if context.check else "Did"
        return TaskResult(
            msg=f"{did} not run command since {because}",
            values=_values(command, stdout=f"skipped, since {because}"),
        )
    if context.check:
        conditional = args.creates is not None or args.removes is not None
        values = _values(command) if conditional else {**_values(command), "skipped": True}
        return TaskResult(conditional, msg="Command would have run if not in check mode", values=values)
    started = time.time()
    done = context.proc.run(command, cwd=_folder(args), stdin=_input(args), executable=executable)
    values = _values(command, rc=done.rc, stdout=done.stdout, stderr=done.stderr)
    if args.strip_empty_ends:
        values.update(stdout=done.stdout.rstrip("\r\n"), stderr=done.stderr.rstrip("\r\n"))
    values.update(_span(started, time.time()))
    msg = "non-zero return code" if done.rc else ""
    return TaskResult(changed=True, failed=bool(done.rc), msg=msg, values=values)


def _span(started: float, ended: float) -> dict[str, str]:
    """Return Ansible's start, end and delta."""
    seconds = ended - started
    took = f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02d}:{seconds % 60:09.6f}"
    return {"start": _moment(started), "end": _moment(ended), "delta": took}


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f"{at % 1:.6f}"[1:]


def _folder(args: ProgramArgs) -> str | None:
    return None if args.chdir is None else expanded(args.chdir)


def _input(args: ProgramArgs) -> str:
    if args.stdin is None:
        return ""
    return args.stdin + "\n" if args.stdin_add_newline else args.stdin


def _values(command: str | list[str], *, rc: int = 0, stdout: str = "", stderr: str = "") -> dict[str, Any]:
    return {"cmd": command, "rc": rc, "stdout": stdout, "stderr": stderr}


def _reason_to_skip(args: ProgramArgs) -> str:
    """Return why there is nothing to do, or an empty text; a pattern may be relative to `chdir`."""
    folder = _folder(args) or ""
    if args.creates is not None and _is_there(folder, args.creates):
        return f"{args.creates} exists"
    if args.removes is not None and not _is_there(folder, args.removes):
        return f"{args.removes} does not exist"
    return ""


def _is_there(folder: str, pattern: str) -> bool:
    import glob

    return bool(glob.glob(os.path.join(folder, expanded(pattern))))
