"""Every message between the controller and a host, both ways. Version 2.

To the host: one `Request`, and the `Job` it is about where that is to be started. From the host: lines of
`MAGIC {json}`, each one of the `Message` classes. Messages with `seq` above 0 are in the host's journal under
that number, with the host's wall clock at that moment in `at`; the others (hello, heartbeat) are not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Type, Union

VERSION = 2
# A heartbeat every few seconds tells a lost line from a long task.
HEARTBEAT_S = 5.0
DEFAULT_TASK_TIMEOUT_S = 600.0
# The pseudo-module that runs the handlers notified so far.
FLUSH = "flush"
# What travels with jobs whose changes a fresh login must confirm.
CONFIRMING = "edgectl.remote.confirming"


@dataclass(frozen=True)
class Task:
    """One task as the host executes it. Texts in `args`, `when` and so on may still hold templates."""

    index: int
    name: str
    module: str
    args: Any
    place: str = ""
    when: List[Any] = field(default_factory=list)
    loop: Any = None
    loop_var: str = "item"
    index_var: Optional[str] = None
    vars: Dict[str, Any] = field(default_factory=dict)
    register: Optional[str] = None
    notify: List[str] = field(default_factory=list)
    listen: List[str] = field(default_factory=list)
    become_user: Optional[str] = None
    environment: Dict[str, Any] = field(default_factory=dict)
    ignore_errors: Any = False
    failed_when: Optional[List[Any]] = None
    changed_when: Optional[List[Any]] = None
    until: Optional[List[Any]] = None
    retries: int = 0
    delay_s: float = 5.0
    check: bool = False
    diff: bool = False
    no_log: bool = False
    timeout_s: float = DEFAULT_TASK_TIMEOUT_S
    confirm_s: float = 0.0  # above 0: the change is taken back unless a fresh login confirms it by then
    undo: str = ""  # for /bin/sh, after the files are back as they were
    template: Optional[str] = None  # digest of a file that the host renders into `args["content"]`


@dataclass(frozen=True)
class Play:
    """Tasks over one set of variables; a task of the module `flush` runs the handlers notified so far."""

    name: str
    vars: Dict[str, Any]
    tasks: List[Task]
    handlers: List[Task]


@dataclass(frozen=True)
class Job:
    """All that one host has to do in one run."""

    run: str
    host: str
    plays: List[Play]
    stage: int = 0  # a run whose plays have different hosts gives one job per stage
    vars: Dict[str, Any] = field(default_factory=dict)
    extra_vars: Dict[str, Any] = field(default_factory=dict)
    secrets: Dict[str, str] = field(default_factory=dict)
    blobs: Dict[str, str] = field(default_factory=dict)  # sha256 -> zlib, base64
    needs: List[str] = field(default_factory=list)  # what travels with it: jinja2, pynvml, parts of ours
    changes: bool = True  # False: every task only reads; no journal, and no lock of its own
    shares: bool = False  # it changes nothing and bears no changes meanwhile: a benchmark, an active probe
    become: bool = False
    started_by: str = ""
    attempt: int = (
        0  # a job that failed is gone on with under another name: what it had done is not done again
    )

    def tasks(self) -> List[Task]:
        """Return its tasks and handlers, in order."""
        return [task for play in self.plays for task in (*play.tasks, *play.handlers)]

    def modules(self) -> FrozenSet[str]:
        """Return the modules its tasks use."""
        return frozenset(task.module for task in self.tasks() if task.module != FLUSH)

    @property
    def id(self) -> str:
        """Name the job at its host, the same for every attempt to start it."""
        return job_id(self.run, self.stage, self.attempt)


def job_id(run: str, stage: int, attempt: int) -> str:
    """Return the name of a job at its host: `RUN`, `RUN.1`, and `RUN.0r1`, `RUN.1r1` for a second attempt."""
    if attempt:
        return f"{run}.{stage}r{attempt}"
    return f"{run}.{stage}" if stage else run


class Attach(NamedTuple):
    """Hear of a job what its journal says, until its end; start nothing."""

    id: str
    become: bool = False  # the job became root, so its journal is root's

    @property
    def run(self) -> str:
        """Return the run that the job is of."""
        return self.id.partition(".")[0]


class Cancel(NamedTuple):
    """Stop a job, with every process that it started."""

    id: str
    by: str
    become: bool = False

    @property
    def run(self) -> str:
        """Return the run that the job is of."""
        return self.id.partition(".")[0]


# What a host is asked for. A job is started where it is absent, else come back to.
Errand = Union[Job, Attach, Cancel]


class Request(NamedTuple):
    """An errand as it travels: what is particular to this attempt, beside the job itself.

    `confirms` is the number of a task whose change is confirmed by this very login.
    """

    verb: str  # start, attach or cancel
    job: str
    digest: str = ""
    after: int = 0
    by: str = ""
    secrets: Dict[str, str] = {}  # noqa: RUF012 - never written to
    confirms: Optional[int] = None
    attempt: int = 0


class Hello(NamedTuple):
    """The runner is up. `resumed` says that the journal already held events of this job."""

    python: str
    boot_id: str
    user: str
    resumed: bool = False
    seq: int = 0
    at: float = 0.0


class TaskStarted(NamedTuple):
    """A task is about to run."""

    number: int  # the task's `index`
    name: str
    seq: int = 0
    at: float = 0.0


class TaskEnded(NamedTuple):
    """A task ended as `ok`, `changed`, `failed`, `skipped`, or `ignored`: failed, and the play goes on.

    `withheld` says that `result` is not what later tasks see: it held a secret, or the task says no_log.
    """

    number: int  # the task's `index`
    name: str
    module: str
    status: str
    seconds: float
    result: Dict[str, Any]
    withheld: bool = False
    seq: int = 0
    at: float = 0.0


class TaskRetried(NamedTuple):
    """An attempt failed, that is journaled, and the task will be tried again."""

    number: int  # the task's `index`
    attempt: int
    msg: str
    seq: int = 0
    at: float = 0.0


class Heartbeat(NamedTuple):
    """The task with this number has been running for so long, `idle_s` of it without any sign of progress.

    No heartbeat means that the line is lost; a heartbeat without progress, that the task is stalled.
    """

    number: int  # the task's `index`
    seconds: float
    idle_s: float = 0.0
    seq: int = 0
    at: float = 0.0


class Rebooting(NamedTuple):
    """The host is going down on purpose; the job goes on under another boot id.

    It must be back `timeout_s` after `at`. Then it waits `pause_s` and
    goes on once `test_command` succeeds.
    """

    number: int  # the task's `index`
    boot_id: str
    timeout_s: float
    pause_s: float = 0.0
    test_command: Optional[List[str]] = None
    seq: int = 0
    at: float = 0.0


class Booted(NamedTuple):
    """The job goes on under another boot of its host, after a reboot of its own or a power cut."""

    boot_id: str
    seq: int = 0
    at: float = 0.0


class ConfirmWanted(NamedTuple):
    """A task changed what a login depends on: it is undone `within_s` later unless a fresh login confirms it."""

    number: int  # the task's `index`
    within_s: float
    seq: int = 0
    at: float = 0.0


class Absent(NamedTuple):
    """The host knows no job of this name."""

    seq: int = 0
    at: float = 0.0


class Abandoned(NamedTuple):
    """The job is not finished and nobody runs it: its runner was killed, or its host lost power."""

    task: str = ""
    seq: int = 0
    at: float = 0.0


class Ended(NamedTuple):
    """The job is over: `ok`, `changed`, `failed`, or `unknown` where a task was cut off that must not be repeated."""

    status: str
    failed_task: Optional[str] = None
    reason: str = ""
    seq: int = 0
    at: float = 0.0


class Busy(NamedTuple):
    """Another run holds this host."""

    holder: Dict[str, Any]
    seq: int = 0
    at: float = 0.0


class Refused(NamedTuple):
    """The host will not start this job, and nothing was changed."""

    reason: str
    seq: int = 0
    at: float = 0.0


# Named tuples, because a host makes these classes anew for every job and a dataclass costs three times as much.
Message = Union[
    Hello,
    TaskStarted,
    TaskEnded,
    TaskRetried,
    Heartbeat,
    Rebooting,
    Booted,
    ConfirmWanted,
    Ended,
    Busy,
    Refused,
    Absent,
    Abandoned,
]

_KINDS: Dict[str, Type[Any]] = {
    kind.__name__: kind
    for kind in (
        Hello,
        TaskStarted,
        TaskEnded,
        TaskRetried,
        Heartbeat,
        Rebooting,
        Booted,
        ConfirmWanted,
        Ended,
        Busy,
        Refused,
        Absent,
        Abandoned,
    )
}


def encode_message(message: Message) -> str:
    """Return one line of JSON, without the newline."""
    return json.dumps(
        {"type": type(message).__name__, **message._asdict()}, default=str, separators=(",", ":")
    )


def decode_message(line: str) -> Message:
    """Return the message in a line; `ValueError` where there is none we know."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or fields.get("type") not in _KINDS:
        raise ValueError(f"not a message of protocol {VERSION}: {line[:80]}")
    kind = _KINDS[fields.pop("type")]
    try:
        return kind(**fields)  # type: ignore[no-any-return]
    except TypeError as error:
        raise ValueError(str(error)) from None


def encode_job(job: Job) -> bytes:
    """Return what makes two jobs the same, as JSON: all but the secrets, who asks and how often.

    Where a task was written stays here: another controller may keep the same playbook elsewhere.
    """
    same = {**vars(job), "secrets": {}, "started_by": "", "attempt": 0}
    return json.dumps(same, default=_without_place, separators=(",", ":")).encode()


def _without_place(part: Any) -> Dict[str, Any]:
    return {name: value for name, value in vars(part).items() if name != "place"}


def digest_of(encoded: bytes) -> str:
    """Return the digest by which a host knows a job."""
    import hashlib

    return hashlib.sha256(encoded).hexdigest()


def decode_job(raw: bytes, request: Request) -> Job:
    """Return the job with what came beside it; the inverse of `encode_job`."""
    fields = json.loads(raw)
    fields["plays"] = [_play(play) for play in fields["plays"]]
    own = {"secrets": request.secrets, "started_by": request.by, "attempt": request.attempt}
    return Job(**{**fields, **own})


def encode_request(request: Request) -> bytes:
    """Return a request as JSON."""
    return json.dumps(request._asdict(), separators=(",", ":")).encode()


def decode_request(raw: bytes) -> Request:
    """Return the request; the inverse of `encode_request`."""
    return Request(**json.loads(raw))


def _play(fields: Dict[str, Any]) -> Play:
    return Play(
        name=fields["name"],
        vars=fields["vars"],
        tasks=[Task(**task) for task in fields["tasks"]],
        handlers=[Task(**task) for task in fields["handlers"]],
    )
