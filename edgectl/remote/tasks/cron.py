"""Have cron run a job, or have it know a variable."""

from __future__ import annotations

import os
import pwd

from edgectl.remote import files
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.ownership import AS_IT_IS, Attributes
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks import _crontab

REPEAT = "idempotent"
_FOLDER = "/etc/cron.d"
# What cron, cronie and systemd-cron say of a user without a crontab, and what busybox says.
_NONE_YET = ("no crontab for", "No such file or directory")


@dataclass(frozen=True)
class Args:
    """Name the job, by the comment that is written above it, or the variable."""

    name: str = arg(doc="What the job is called in the file; with env the variable's name.")
    job: str | None = arg(
        None, aliases=("value",), doc="The command, one line; with env the variable's value."
    )
    state: Literal["absent", "present"] = arg("present", doc="Whether it should be there.")
    user: str | None = arg(None, doc="Whose crontab; with cron_file who runs the job.")
    cron_file: str | None = arg(None, doc="A file of its own, below /etc/cron.d where it is no full path.")
    minute: str = arg("*", doc="0-59, *, */2 and so on.")
    hour: str = arg("*", doc="0-23.")
    day: str = arg("*", aliases=("dom",), doc="1-31.")
    month: str = arg("*", doc="1-12 or JAN-DEC.")
    weekday: str = arg("*", aliases=("dow",), doc="0-6 or SUN-SAT.")
    special_time: Literal["annually", "daily", "hourly", "monthly", "reboot", "weekly", "yearly"] | None = (
        arg(None, doc="A word in place of the five.")
    )
    disabled: bool = arg(False, doc="Write the job as a comment.")
    env: bool = arg(False, doc="A variable in place of a job; a new one goes to the top.")
    insertafter: str | None = arg(None, doc="With env: behind this variable.")
    insertbefore: str | None = arg(None, doc="With env: before this variable.")
    backup: bool = arg(False, doc="Keep the old crontab in a file of its own.")

    def __post_init__(self) -> None:
        """Refuse what leaves open who runs what when."""
        if "\n" in self.name:
            raise ValueError("'name' is one line, for it is a comment in the file")
        times = (self.minute, self.hour, self.day, self.month, self.weekday)
        if self.special_time and times != ("*",) * 5:
            raise ValueError("'special_time' takes the place of minute, hour, day, month and weekday")
        if self.cron_file == "/etc/crontab":
            raise ValueError("/etc/crontab is the system's: name a file below /etc/cron.d")
        if self.insertafter is not None and self.insertbefore is not None:
            raise ValueError("give 'insertbefore' or 'insertafter', not both")
        if self.state == "present":
            self._refuse_what_is_no_job()

    def _refuse_what_is_no_job(self) -> None:
        if self.job is None:
            raise ValueError("'job' is needed with state=present")
        if "\n" in (self.job if self.env else self.job.strip("\r\n")):
            raise ValueError("'job' is one line: cron would take the next one for a job of its own")
        if self.cron_file and not self.user:
            raise ValueError("'cron_file' needs 'user': such a file says who runs the job")
        if (self.insertafter or self.insertbefore) and not self.env:
            raise ValueError("'insertafter' and 'insertbefore' go with env=true")
        if self.env and " " in self.name:
            raise ValueError("'name' has a blank, and it is to be a variable")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Bring the crontab to the job that is wanted, and return all `jobs` and `envs` it has."""
    path = None if args.cron_file is None else os.path.join(_FOLDER, files.expanded(args.cron_file))
    before = _read_own(args, context) if path is None else _text(files.read(path))
    if isinstance(before, TaskResult):
        return before
    try:
        after = _crontab.edited(before or "", args)
    except LookupError as error:
        return failed(str(error))
    told: dict[str, Any] = {"jobs": _crontab.jobs(after), "envs": _crontab.variables(after)}
    if args.cron_file is not None:
        told["cron_file"] = args.cron_file
    if after == (before or ""):
        return TaskResult(values=told)
    if not context.check:
        if args.backup:
            told["backup_file"] = _backed_up(before or "")
        problem = _install(args, after, context) if path is None else _write(path, after, args)
        if problem:
            return failed(problem, **told)
    where = path or f'crontab for user "{args.user}"'
    diff = files.text_diff(where, _bytes(before or ""), _bytes(after)) if context.diff else None
    return TaskResult(changed=True, values=told, diff=diff)


def _read_own(args: Args, context: TaskContext) -> str | TaskResult | None:
    """Return a user's crontab without crontab's own heading, None where there is none."""
    done = context.proc.query(["crontab", *_whose(args), "-l"])
    if done.rc == 127:  # noqa: PLR2004 - no such program
        return failed("there is no crontab(1) at this host: install the package cron first")
    # What cannot be read must not be taken for empty, and written over; in check mode the user may be yet to come.
    has_none = done.rc == 1 and (context.check or any(words in done.stderr for words in _NONE_YET))
    if done.rc != 0 and not has_none:
        return failed(f"crontab -l failed: {(done.stderr or done.stdout).strip()}")
    return _crontab.without_heading(done.stdout) if done.rc == 0 else None


def _whose(args: Args) -> list[str]:
    if args.user is None or args.user == pwd.getpwuid(os.geteuid()).pw_name:
        return []
    return ["-u", args.user]


def _install(args: Args, text: str, context: TaskContext) -> str:
    """Hand a crontab over and read it again; return what is wrong, or an empty text."""
    done = context.proc.run(["crontab", *_whose(args), "-"], stdin=text)
    if done.rc != 0:
        return f"crontab refused it: {(done.stderr or done.stdout).strip()}"
    again = _read_own(args, context)
    if isinstance(again, TaskResult):
        return again.msg
    return "" if (again or "").strip() == text.strip() else "crontab took it, and has something else now"


def _write(path: str, text: str, args: Args) -> str:
    """Write a file below cron.d; one that has lost its last job goes."""
    if not text.strip() and args.state == "absent" and not args.env:
        os.unlink(path)
    else:
        files.write_atomically(path, _bytes(text), AS_IT_IS if os.path.exists(path) else Attributes("0644"))
    return ""


def _backed_up(text: str) -> str:
    import tempfile

    handle, path = tempfile.mkstemp(prefix="crontab")
    with open(handle, "wb") as stream:
        stream.write(_bytes(text))
    return path


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
