"""Each task runs in a process of its own: its own group, its own identity, its own deadline.

The runner stays single-threaded, so forking is safe; a task can neither leak into the next one nor outlive
its deadline.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import select
import signal
import struct
import time
from typing import Any, Callable, Dict, NamedTuple, Optional

from edgectl.remote.protocol import HEARTBEAT_S

_GRACE_S = 5.0
_LENGTH = struct.Struct(">I")


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


def run_in_child(
    action: Callable[[], Dict[str, Any]],
    *,
    identity: Optional[Identity],
    timeout_s: float,
    on_beat: Callable[[], None],
) -> Dict[str, Any]:
    """Return what `action` returns, or a failed result where it raises, dies or runs out of time."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _be_the_child(action, identity, writing)
        finally:
            os._exit(1)  # a child that gets here must not go on as a second runner
    os.close(writing)
    try:
        return _wait(pid, reading, timeout_s, on_beat)
    finally:
        os.close(reading)


def _be_the_child(action: Callable[[], Dict[str, Any]], identity: Optional[Identity], writing: int) -> None:
    try:
        os.setpgid(0, 0)
        signal.signal(
            signal.SIGHUP, signal.SIG_DFL
        )  # the runner's own deafness is not for what a task starts
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        if identity is not None:
            become(identity)
        raw = json.dumps(action(), default=str).encode()
    except BaseException as error:  # noqa: BLE001 - the task runner: whatever a module raises is its failure
        import traceback

        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        msg = f"{type(error).__name__}: {error} ({where})"
        raw = json.dumps({"failed": True, "changed": False, "msg": msg}).encode()
    _write_all(writing, _LENGTH.pack(len(raw)) + raw)
    os._exit(0)


def become(identity: Identity) -> None:
    """Take a user's groups, ids and home for good."""
    if identity.uid != os.geteuid():
        os.initgroups(identity.name, identity.gid)
        os.setgid(identity.gid)
        os.setuid(identity.uid)
    os.environ.update({"HOME": identity.home, "USER": identity.name, "LOGNAME": identity.name})


def _write_all(fd: int, raw: bytes) -> None:
    rest = memoryview(raw)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _wait(pid: int, reading: int, timeout_s: float, on_beat: Callable[[], None]) -> Dict[str, Any]:
    began = time.monotonic()
    beat = began + HEARTBEAT_S
    raw = b""
    while not _is_whole(raw):
        now = time.monotonic()
        if now - began >= timeout_s:
            _end_group(pid)
            return {"failed": True, "changed": False, "msg": f"stopped after its timeout of {timeout_s:g} s"}
        if now >= beat:
            on_beat()
            beat = now + HEARTBEAT_S
        ready, _, _ = select.select([reading], [], [], max(0.0, min(beat, began + timeout_s) - now))
        if not ready:
            continue
        chunk = os.read(reading, 1 << 16)
        if not chunk:
            _, status = os.waitpid(pid, 0)
            return {"failed": True, "changed": False, "msg": f"the task's process died ({_death(status)})"}
        raw += chunk
    os.waitpid(pid, 0)
    found = json.loads(raw[_LENGTH.size :])
    return found if isinstance(found, dict) else {"failed": True, "msg": "the module returned no result"}


def _is_whole(raw: bytes) -> bool:
    return len(raw) >= _LENGTH.size and len(raw) >= _LENGTH.size + _LENGTH.unpack_from(raw)[0]


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"


def _end_group(pid: int) -> None:
    """Ask the whole group to stop, give it a moment, then end it."""
    _signal_group(pid, signal.SIGTERM)
    until = time.monotonic() + _GRACE_S
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            _signal_group(pid, signal.SIGKILL)
            return
        time.sleep(0.05)
    _signal_group(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
