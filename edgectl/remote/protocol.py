"""Every message from a host to its controller. Version 2; what goes the other way is in `errands`.

They are lines of `MAGIC {json}`, each one of the `Message` classes. Messages with `seq` above 0 are in the host's
journal under that number, with the host's wall clock at that moment in `at`; the others (hello, heartbeats) are not.
"""

from __future__ import annotations

from edgectl.remote.lean import Any, Dict, List, NamedTuple, Optional, Type, Union
from edgectl.remote.wire_json import dumps, loads

VERSION = 2
# A heartbeat every few seconds tells a lost line from a long task.
HEARTBEAT_S = 5.0


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

    No heartbeat means that the line is lost; a heartbeat without progress, that the task is stalled. A task that moves
    bytes says where it stands, never what was added: `done` of `total`, 0 where that is not known yet. Such a one is in
    the journal at each twentieth, so that whoever comes back knows it too.
    """

    number: int  # the task's `index`
    seconds: float
    idle_s: float = 0.0
    done: int = 0
    total: int = 0
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
    return dumps({"type": type(message).__name__, **message._asdict()}, default=str)


def decode_message(line: str) -> Message:
    """Return the message in a line; `ValueError` where there is none we know."""
    fields = loads(line)
    if not isinstance(fields, dict) or fields.get("type") not in _KINDS:
        raise ValueError(f"not a message of protocol {VERSION}: {line[:80]}")
    kind = _KINDS[fields.pop("type")]
    try:
        return kind(**fields)  # type: ignore[no-any-return]
    except TypeError as error:
        raise ValueError(str(error)) from None
