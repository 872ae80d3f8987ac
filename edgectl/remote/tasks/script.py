"""Run a script that lies here, beside the playbook, at the host."""

from __future__ import annotations

import os
import shutil
import tempfile

from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.files import expanded
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any
from edgectl.remote.proc import Completed
from edgectl.remote.result import TaskResult, failed

REPEAT = "once"
FREE_FORM = "cmd"
# The controller finds the first word of `cmd` in this folder beside the playbook and sends it along.
SENDS = "files"
SENT_BY = "cmd"


@dataclass(frozen=True)
class Args:
    """Give `cmd`; in check mode the task is skipped, unless creates or removes decide."""

    cmd: str = arg(doc="The script, a file here, and its arguments.")
    chdir: str | None = arg(None, doc="Change into this folder at the host first; an absolute path.")
    creates: str | None = arg(None, doc="Skip the task where this path exists.")
    removes: str | None = arg(None, doc="Skip the task where this path does not exist.")
    executable: str | None = arg(None, doc="The program to run the script with.")
    decrypt: bool = arg(True, doc="Accepted for Ansible's sake; there is nothing to decrypt.")
    sources: list[list[Any]] | None = arg(None, doc="[relative path, sha256, mode] each.", internal=True)

    def __post_init__(self) -> None:
        """Refuse a folder that would depend on the login, and nothing to run."""
        if not self.cmd.strip():
            raise ValueError("give 'cmd', the script")
        if self.chdir is not None and not self.chdir.startswith(("/", "~", "$", "{")):
            raise ValueError("'chdir' must be an absolute path")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Run it by its first line or by `executable`; a result other than 0 is a failure."""
    because = _reason_to_skip(args)
    if because:
        return TaskResult(msg=f"skipped, since {because}", values={"skipped": True})
    if context.check:
        decided = args.creates is not None or args.removes is not None
        return TaskResult(decided, msg="would run it", values={} if decided else {"skipped": True})
    if [source[0] for source in args.sources or []] != [""]:
        return failed("a script is one file: this is a folder")
    if args.chdir is not None and not os.path.isdir(expanded(args.chdir)):
        return failed(f"cannot change into {args.chdir}: there is no such folder")
    done = _run_sent(args, context)
    msg = "non-zero return code" if done.rc else ""
    values = {"rc": done.rc, "stdout": done.stdout, "stderr": done.stderr}
    return TaskResult(changed=True, failed=bool(done.rc), msg=msg, values=values)


def _run_sent(args: Args, context: TaskContext) -> Completed:
    """Put the script where only this user finds it, as long as it runs; a shell reads the line, as with Ansible."""
    import shlex

    script, words = _parted(args.cmd)
    folder = tempfile.mkdtemp(prefix="edgectl-script-")
    try:
        path = os.path.join(folder, os.path.basename(script))
        with open(path, "wb") as stream:
            stream.write(context.blobs[(args.sources or [])[0][1]])
        os.chmod(path, 0o700)
        line = f"{args.executable or ''} {shlex.quote(path)} {words}".strip()
        return context.proc.run(line, cwd=None if args.chdir is None else expanded(args.chdir))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parted(line: str) -> tuple[str, str]:
    """Return the script's name without its quotes, and the rest of the line as it was written."""
    import io
    import shlex

    text = io.StringIO(line)
    words = shlex.shlex(text, posix=True)
    words.whitespace_split, words.commenters = True, ""
    return words.get_token() or "", text.read()


def _reason_to_skip(args: Args) -> str:
    if args.creates is not None and os.path.exists(expanded(args.creates)):
        return f"{args.creates} exists"
    if args.removes is not None and not os.path.exists(expanded(args.removes)):
        return f"{args.removes} does not exist"
    return ""
