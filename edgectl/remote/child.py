"""Each task runs in a process of its own: its own group, its own identity, its own deadline.

The runner stays single-threaded, so forking is safe; a task can neither leak into the next one nor outlive
its deadline.
"""

from __future__ import annotations

import os
import pwd
import select
import time

from edgectl.remote.lean import (
    SIG_DFL,
    SIGHUP,
    SIGKILL,
    SIGTERM,
    Any,
    Callable,
    Dict,
    NamedTuple,
    Optional,
    Tuple,
    on_signal,
    suppress,
)
from edgectl.remote.protocol import HEARTBEAT_S
from edgectl.remote.wire_json import dumps, loads

_GRACE_S = 5.0
_LENGTH_BYTES = 4
Result = Dict[str, Any]
Serve = Callable[..., Result]


class Identity(NamedTuple):
    """A user to run as."""

    name: str
    uid: int
    gid: int
    home: str


def identity_of(name: str) -> Identity:
    """Look a user up; `KeyError` where there is none."""
    found = pwd.getpwnam(name)
    return Identity(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


class Children:
    """The processes that the tasks of one job run in: one for each task, with its own group and deadline.

    Tasks that start no program share one, since to fork costs twenty times what they do (1.8 ms against 0.09).
    """

    def __init__(self, serve: Serve, on_fork: Callable[[], None] = lambda: None) -> None:
        self._serve = serve
        self._on_fork = on_fork  # in the child: let go of what is the runner's alone
        self._shared: Dict[Optional[Identity], _Child] = {}

    def run(
        self,
        request: Any,
        *,
        identity: Optional[Identity],
        shared: bool,
        timeout_s: float,
        on_beat: Callable[..., None],
    ) -> Result:
        """Return what `serve(request, tell)` returns in a child, or a failed result where it raises, dies or hangs.

        What it tells meanwhile, done and total, is handed to `on_beat` beside how long it made no progress.
        """
        child = self._shared.pop(identity, None) if shared else None
        child = child or _Child(self._serve, identity, self._on_fork)
        result = child.ask(request, timeout_s, on_beat)
        if shared and child.is_alive:
            self._shared[identity] = child
        else:
            child.end()
        return result

    def close(self) -> None:
        """End the shared children."""
        for child in self._shared.values():
            child.end()
        self._shared.clear()


class _Child:
    """A process of our own that answers requests, one after the other, until its pipe is closed."""

    def __init__(
        self,
        serve: Serve,
        identity: Optional[Identity],
        on_fork: Callable[[], None],
    ) -> None:
        asked, self._asking = os.pipe()
        self._answers, answering = os.pipe()
        self._pid = os.fork()
        self.is_alive = True
        if self._pid == 0:
            try:
                os.close(self._asking)
                os.close(self._answers)
                on_fork()
                _answer_all(serve, identity, asked, answering)
            finally:
                os._exit(1)  # a child that gets here must not go on as a second runner
        os.close(asked)
        os.close(answering)

    def ask(self, request: Any, timeout_s: float, on_beat: Callable[..., None]) -> Result:
        """Return the answer to a request, or the failed result of having none in time."""
        with suppress(BrokenPipeError):
            _send(self._asking, request)
        answer, self.is_alive = _wait(self._pid, self._answers, timeout_s, on_beat)
        return answer

    def end(self) -> None:
        """Close the pipes, which ends the child; what a task left running on purpose stays."""
        os.close(self._asking)
        os.close(self._answers)
        if self.is_alive:
            self.is_alive = False
            os.waitpid(self._pid, 0)


def _answer_all(serve: Serve, identity: Optional[Identity], asked: int, answering: int) -> None:
    os.setpgid(0, 0)
    # The runner's own deafness is not for what a task starts.
    on_signal(SIGHUP, SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    refused = _guarded(become, identity)
    while True:
        request = _receive(asked)
        if request is None:
            os._exit(0)
        _send(answering, refused or _guarded(serve, request, lambda *moved: _tell(answering, moved)))


def _tell(answering: int, moved: Any) -> None:
    """Tell how far the task is; it ends here where its runner did, since whoever continues the job begins it again."""
    try:
        _send(answering, moved)
    except BrokenPipeError:
        os._exit(1)


def _guarded(action: Serve, *given: Any) -> Result:
    try:
        return action(*given)
    except BaseException as error:  # noqa: BLE001 - the task runner: whatever a module raises is its failure
        import traceback

        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        return _failed(f"{type(error).__name__}: {error} ({where})")


def become(identity: Optional[Identity]) -> Result:
    """Take a user's groups, ids and home for good; None stays who we are. The answer is empty: nothing is wrong."""
    if identity is None:
        return {}
    if identity.uid != os.geteuid():
        os.initgroups(identity.name, identity.gid)
        os.setgid(identity.gid)
        os.setuid(identity.uid)
    os.environ.update({"HOME": identity.home, "USER": identity.name, "LOGNAME": identity.name})
    return {}


def _send(fd: int, value: Any) -> None:
    raw = dumps(value, default=str).encode()
    rest = memoryview(len(raw).to_bytes(_LENGTH_BYTES, "big") + raw)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _receive(fd: int) -> Any:
    """Return the next value, or None where the other side is gone."""
    raw = b""
    while not (found := _first(raw)):
        chunk = os.read(fd, 1 << 16)
        if not chunk:
            return None
        raw += chunk
    return found[0]


def _first(raw: bytes) -> Tuple[Any, ...]:
    """Return the first value in the bytes, and the bytes behind it; nothing where it is not whole."""
    end = _LENGTH_BYTES + int.from_bytes(raw[:_LENGTH_BYTES], "big")
    return (loads(raw[_LENGTH_BYTES:end]), raw[end:]) if _LENGTH_BYTES < len(raw) >= end else ()


def _wait(pid: int, answers: int, timeout_s: float, on_beat: Callable[..., None]) -> Tuple[Result, bool]:
    """Return the child's answer, or why there is none, and whether the child still lives."""
    began = moved = time.monotonic()
    beat = began + HEARTBEAT_S
    done = 0
    raw = b""
    while True:
        while found := _first(raw):
            told, raw = found
            if isinstance(told, dict):
                return told, True
            on_beat(0.0, told)
        now = time.monotonic()
        if now - began >= timeout_s:
            _end_group(pid)
            stalled_s = time.monotonic() - moved
            stalled = f", the last {stalled_s:.0f} s without progress" if stalled_s > 2 * HEARTBEAT_S else ""
            return _failed(f"stopped after its timeout of {timeout_s:g} s{stalled}"), False
        if now >= beat:
            before, done = done, work_of(pid)
            moved = now if done != before else moved
            on_beat(now - moved)
            beat = now + HEARTBEAT_S
        ready, _, _ = select.select([answers], [], [], max(0.0, min(beat, began + timeout_s) - now))
        if not ready:
            continue
        chunk = os.read(answers, 1 << 16)
        if not chunk:
            _, status = os.waitpid(pid, 0)
            return _failed(f"the task's process died ({_death(status)})"), False
        raw += chunk


def work_of(group: int) -> int:
    """Return how much a process group has done so far: processor ticks, and bytes read and written. No unit of its own.

    Only whether it moved is of interest: a group that waits for a dead disk or server stands still.
    """
    done = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                done += _work_of_process(name, group)
    return done


def _work_of_process(pid: str, group: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as stream:
        # Behind the name, which may hold anything; proc(5) counts pgrp as field 5, utime to cstime as 14 to 17.
        fields = stream.read().rpartition(b")")[2].split()
    if int(fields[2]) != group:
        return 0
    with open(f"/proc/{pid}/io", "rb") as stream:
        moved = sum(int(line.split()[1]) for line in stream.read().splitlines()[:2])
    return sum(map(int, fields[11:15])) + moved


def _failed(msg: str) -> Result:
    return {"failed": True, "changed": False, "msg": msg}


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"


def _end_group(pid: int) -> None:
    """Ask the whole group to stop, give it a moment, then end it."""
    _signal_group(pid, SIGTERM)
    until = time.monotonic() + _GRACE_S
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            _signal_group(pid, SIGKILL)
            return
        time.sleep(0.05)
    _signal_group(pid, SIGKILL)
    os.waitpid(pid, 0)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
